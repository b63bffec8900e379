"""Every pair of an objective and an architecture that fit, and the throw-away objective, through the whole road: batch view, training,
a power cut and a resumed run, best checkpoint, alarms, export, hub folder, load-back, page, one KLUE task.

A new row of a table is tested by existing. All pairs share corpus, tokenizer and store.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pairs import COVER, PAIRS, has_teacher, known_sizes
from rich.console import Console
from throw_away import list_it

from kobert_pipeline.ground.artifacts import read_manifest, verify
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.hub import fresh_process, load_back
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain import alarms, batch_view
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.report.page import write_page
from kobert_pipeline.runner import run
from kobert_pipeline.training.checkpoints import best_checkpoint
from kobert_pipeline.uses import use_named

pytestmark = pytest.mark.system

SIZES = {"layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64}
SETTINGS: dict[str, Any] = {
    "pretrain.max_steps": 8, "pretrain.validation_steps": 4, "pretrain.validation_tokens": 2_000, "pretrain.log_steps": 2, "pretrain.precision": "fp32",
    "pretrain.phases": [{"max_length": 48, "batch_size": 8}], "pretrain.checkpoint_minutes": 1e-9,
    "pretrain.measured_sentences": 3, "klue_eval.tasks": ["ynat"], "klue_eval.tfidf": False,
    "klue_eval.protocols": {"sample": {"seeds": 1, "train_rows": 40, "epochs": [1], "evaluations_per_epoch": 0}},
}  # fmt: skip
MORE = {("mlm", "deberta"): {"mask_decoder_passes": 2}}
"""Options that one of the pairs of an architecture takes on the road."""


def recipe(objective: str, architecture: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    sizes = known_sizes(architecture, SIZES) | MORE.get((objective, architecture), {})
    pair = {"pretrain.objective": {"name": objective}, "pretrain.architecture": {"name": architecture} | sizes}
    writes = objective in OBJECTIVES and OBJECTIVES[objective].writes
    settings = SETTINGS | pair | ({"tokenizer.model": "bpe"} if writes else {}) | dict(changes or {})
    return load_recipe("quickstart", tuple(f"{key}={json.dumps(value)}" for key, value in settings.items()))


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("road")


CROSSED = {("denoise", "t5"), ("span_corruption", "bart")}
"""Both halves go the road in other pairs, and these two only exchange noise."""
ROADS = [pair for pair in PAIRS if not has_teacher(pair[0]) and pair not in CROSSED] + [
    ("distillation", "modernbert"),
    ("layer_distillation", "bert"),
]
"""Of objectives with a teacher one pair each: what a teacher adds does not depend on the architecture."""


@pytest.fixture(params=[*ROADS, ("throw_away", "bert"), ("throw_away", "modernbert")], ids=" × ".join)
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    list_it(monkeypatch)
    objective, architecture = request.param
    return objective, architecture


def taught(objective: str, architecture: str, root: Path) -> dict[str, Any]:
    """The teacher that the objective needs: a run of twice as many layers, by its name."""
    if not has_teacher(objective):
        return {}
    deeper = {
        "pretrain.architecture": {"name": architecture} | known_sizes(architecture, SIZES) | {"layers": 4},
        "pretrain.max_steps": 2,
    }
    teacher = recipe("mlm", architecture, deeper)
    run(teacher, root, until="pretrain")
    return {"pretrain.objective": {"name": objective, "teacher": teacher.run_name}}


def loaded_back_here(arguments: list[str], environment: Mapping[str, str]) -> str:
    """The program that a fresh process runs, in this one: it imports nothing of ours either. Empty, or what failed."""
    known, said = dict(sys.modules), io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            load_back.main(arguments)
    finally:
        sys.modules.update(known)
    return said.getvalue().strip()


def test_the_whole_road(pair: tuple[str, str], roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh process loads what covers both tables; to start one takes longer than all else."""
    if pair not in COVER:
        monkeypatch.setattr(fresh_process, "_run", loaded_back_here)
    given = recipe(*pair, taught(*pair, roots))
    cut_and_resume(given, roots, monkeypatch)
    folders = run(given, roots)
    trained = PretrainedRun(folders["pretrain"])
    batch_can_be_looked_at(given, folders)
    best_checkpoint_follows_the_headline(folders["pretrain"], trained)
    assert (folders["pretrain"] / "model" / "model.safetensors").is_file()
    assert read_manifest(folders["hub"]).summary["load_back"] == "ok"
    card_and_page_show_the_headline(given, folders, trained, roots)
    scored = json.loads((folders["klue_eval"] / "scores.json").read_text(encoding="utf-8"))
    assert {entry["task"] for entry in scored["results"]} == {"ynat"}


def cut_and_resume(given: Recipe, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that was cut off after half of its steps ends with the bytes of one that was not."""
    whole = run(given, root, until="pretrain")["pretrain"]
    expected = {path.name: path.read_bytes() for path in [whole / "manifest.json", whole / "losses.csv"]}
    kept = whole.rename(whole.with_name(f"{whole.name}-whole"))
    real = PretrainModule.training_step

    def interrupted(self: Any, drawn: Any, batch_idx: int) -> None:
        if self.global_step == 5:
            raise RuntimeError("power cut")
        real(self, drawn, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainModule, "training_step", interrupted)
        with pytest.raises(RuntimeError, match="power cut"):
            run(given, root, until="pretrain")
    resumed = run(given, root, until="pretrain")["pretrain"]
    assert {name: (resumed / name).read_bytes() for name in expected} == expected
    assert verify(kept) == []


def batch_can_be_looked_at(given: Recipe, folders: dict[str, Path]) -> None:
    out = io.StringIO()
    page = batch_view.view(given.pretrain, folders["tokenizer"], folders["dataset"], seed=given.seed, rows=8, batches=1)
    Console(file=out, width=120).print(page)
    assert "[SEP]" in out.getvalue()
    assert "tokens per example" in out.getvalue()


def best_checkpoint_follows_the_headline(folder: Path, trained: PretrainedRun) -> None:
    rows = trained.summary.validation
    losses = {int(row["step"]): row[trained.summary.headline] for row in rows}
    best = best_checkpoint(folder / "run" / "checkpoints")
    lowest = min(losses, key=losses.__getitem__)
    assert best is not None or lowest == 0
    assert best is None or int(best.stem.partition("-")[2]) == lowest


def card_and_page_show_the_headline(
    given: Recipe, folders: dict[str, Path], trained: PretrainedRun, root: Path
) -> None:
    summary, use = trained.summary, use_named(trained.summary.use)
    title = summary.figures[0].title
    card = (folders["hub"] / "publish" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---")[1])
    assert front["pipeline_tag"] == use.pipeline_for(summary.architecture)
    assert use.class_for(summary.architecture) in card
    assert title.lower() in card.lower()
    write_page(root / "page.html", given.name, folders)
    page = (root / "page.html").read_text(encoding="utf-8")
    assert title in page
    assert summary.chance.name in page


def test_an_encoder_goes_the_road_on_a_byte_level_tokenizer(roots: Path) -> None:
    """Whole morphemes are masked, and KLUE's characters are found in tokens that may be parts of them."""
    changes = {
        "tokenizer.model": "bpe", "dataset.morphemes": True, "klue_eval.tasks": ["nli", "ner", "mrc"],
        "pretrain.objective": {"name": "mlm", "unit": "morpheme"},
        "klue_eval.protocols": {"sample": {"seeds": 1, "train_rows": 8, "evaluations_per_epoch": 0}},
    }  # fmt: skip
    folders = run(recipe("mlm", "bert", changes), roots)
    assert read_manifest(folders["hub"]).summary["load_back"] == "ok"
    scored = json.loads((folders["klue_eval"] / "scores.json").read_text(encoding="utf-8"))["results"]
    assert [entry["task"] for entry in scored] == ["nli", "ner", "mrc"]
    assert all(entry["unknown_share"]["scored"] == 0 for entry in scored)


@pytest.mark.parametrize("pair", [*sorted(COVER), ("throw_away", "bert")], ids=" × ".join, indirect=True)
def test_a_flat_loss_raises_the_alarm_of_the_headline(
    pair: tuple[str, str], roots: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At a rate of nothing, near a level that is above everything."""
    monkeypatch.setattr(alarms, "PLATEAU_STEPS", 8)
    monkeypatch.setattr(alarms, "PLATEAU_ROWS", 4)
    monkeypatch.setattr(alarms, "NEAR", 100.0)
    monkeypatch.setattr(alarms, "STILL", 10.0)  # batches differ by more than a few steps teach
    flat: dict[str, Any] = {
        "pretrain.learning_rate": 1e-12,
        "pretrain.warmup_share": 0.0,
        "pretrain.checkpoint_minutes": 5,
    }
    flat |= taught(*pair, roots)
    given = recipe(*pair, flat | {"pretrain.max_steps": 10})
    with caplog.at_level(logging.WARNING):
        folder = run(given, roots, until="pretrain")["pretrain"]
    assert PretrainedRun(folder).summary.warnings["plateaus"] == 1
    assert any("the loss stays at" in record.getMessage() for record in caplog.records)
