"""`make speedrun`: what is fixed stays fixed, the minutes are those of the steps, and every run of the log can be made again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_training import train

from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.loop import write_curve
from kobert_pipeline.pretrain.throughput import SpeedLog

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("KOBERT_DATA", "KOBERT_KLUE", "KOBERT_CORPUS"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("speedrun")
    for name in ("speedrun", "speedrun_jobs", "speedrun_candidates", "systems", "parts", "run"):
        if name not in before:
            sys.modules.pop(name, None)


def test_an_attempt_is_free_in_its_training_alone(bench: Any) -> None:
    usual, own = bench.recipe_of("usual"), bench.recipe_of("own", "pretrain.max_steps=7", "pretrain.optimizer=adamw")
    assert (own.pretrain.max_steps, own.pretrain.optimizer, own.pretrain.precision) == (7, "adamw", "fp32")
    assert (own.corpora, own.tokenizer, own.dataset) == (usual.corpora, usual.tokenizer, usual.dataset)
    for setting in ("tokenizer.vocab_size=4000", "dataset.validation_share=0.5", "corpora.deduplicate.sentences=3"):
        with pytest.raises(SystemExit, match=f"{setting.partition('.')[0]} is fixed"):
            bench.recipe_of("own", setting)
    with pytest.raises(SystemExit, match="rows of the first phase"):
        bench.recipe_of("own", "pretrain.phases=[{max_length: 64, batch_size: 8}]")


def test_minutes_are_those_of_the_steps(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    log = SpeedLog(tmp_path / "run" / "speed.csv")
    write_curve(
        tmp_path / "losses.csv",
        [{"step": 20, "tokens": 80_000, "mlm": 7.0}, {"step": 30, "tokens": 120_000, "mlm": 6.0}],
    )
    log.add(20, {"tokens_per_second": 1_000.0})
    log.add(30, {"tokens_per_second": 2_000.0})
    assert bench.minutes_of(tmp_path) == pytest.approx((80 + 20) / 60)


def test_a_row_says_whether_the_attempt_counts(bench: Any) -> None:
    figures = {"minutes": 12.5, "tokens": 4_000_000, "loss": bench.BAR, "YNAT macro F1": [60.0, 61.0, 62.0]}
    assert bench.row_of("own", figures)["at the bar"] == "yes"
    assert bench.row_of("own", figures | {"loss": bench.BAR + 0.001})["at the bar"] == "no"
    assert bench.row_of("own", figures)["YNAT macro F1"] == "61.0"


def test_every_run_of_the_log_can_be_made_again(bench: Any) -> None:
    jobs, candidates = (importlib.import_module(f"speedrun_{name}") for name in ("jobs", "candidates"))
    listed = jobs.jobs()
    try:
        for job in listed:
            PretrainConfig.parse(job["pretrain"])
            module, _, function = job["patch"].partition(":")
            assert module == "speedrun_candidates"
            getattr(candidates, function)()
    finally:
        candidates.restore()
    assert all(getattr(owner, name) is value for owner, name, value in candidates.ORIGINAL)
    assert not hasattr(candidates, "same_validation__no_such_candidate")
    assert len({job["name"] for job in listed}) == len(listed) > 60


TOGETHER = (
    "unigram_bias__momentum_warmup__neighbours_3__three_iterations__rest_half",
    "matrices_decay_1__cautious_decay__vanishing_decay__zero_outputs__untied__rows_normed",
    "value_embeddings__soft_cap__average__constant_rate",
)


@pytest.mark.system
@pytest.mark.parametrize("patch", TOGETHER)
def test_candidates_change_what_is_learned(bench: Any, tiny: Any, tmp_path: Path, patch: str) -> None:
    candidates = importlib.import_module("speedrun_candidates")
    settings = {
        "objective": {"name": "mlm"}, "optimizer": "muon", "max_steps": 6, "warmup_share": 0.0, "measured_sentences": 0,
        "architecture": {"name": "modernbert", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 48}, "learning_rate": 1e-2,
    }  # fmt: skip
    usual = PretrainedRun(train(tmp_path / "usual", tiny, **settings)).summary
    try:
        getattr(candidates, f"same_validation__{patch}")()
        changed = PretrainedRun(train(tmp_path / "changed", tiny, **settings)).summary
    finally:
        candidates.restore()
    assert changed.last["mlm"] != usual.last["mlm"]
    assert changed.last["mlm"] < changed.first["mlm"]
