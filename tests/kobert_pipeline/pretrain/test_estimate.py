"""`kobert plan`: a minute of training says what a run takes, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from kobert_pipeline.commands.plan import described, on_gpus
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.measured import SPEEDS
from kobert_pipeline.pretrain import estimate as module
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.estimate import Estimate, estimate

SETTINGS: dict[str, Any] = {
    "objective": {"name": "mlm"}, "architecture": {"name": "bert", "layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16},
    "phases": [{"max_length": 32, "batch_size": 4}], "precision": "fp32", "measured_sentences": 2,
}  # fmt: skip
FOUND = Estimate(5_500, 1_296.0, 9_600_000, 5_000_000, 2_400_000, 3 * 2**30, 2**28, 50, 2.5e15, "bf16")


def planned(tiny: Any, **changes: Any) -> Estimate:
    return estimate(PretrainConfig.parse(SETTINGS | changes), tiny.tokenizer, tiny.dataset, seed=1)


@pytest.mark.parametrize(
    "budget", [{"max_steps": 3}, {"max_steps": 400}, {"max_tokens": 60_000}, {"max_minutes": 5}], ids=str
)
def test_a_budget_of_any_kind_is_measured(budget: dict[str, Any], tiny: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.5)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = planned(tiny, **budget)
    assert found.steps == budget.get("max_steps", found.steps)
    assert found.tokens == pytest.approx(budget.get("max_tokens", found.tokens), rel=0.05)
    assert found.seconds == pytest.approx(60 * budget.get("max_minutes", found.seconds / 60), rel=0.2)
    assert found.corpus_tokens == Store(tiny.dataset).summary.train.tokens
    layer = 4 * 16 * 16 + 2 * 16 * 16  # weights of its matrices, each of which costs six operations a token
    assert 6 * layer < found.flops / found.tokens < 6 * found.parameters
    assert 0 < found.tokens / found.steps <= 4 * 32
    assert min(found.memory, found.disk, found.parameters) > 0
    assert not list(tmp_path.iterdir())


def test_several_devices_are_not_guessed(tiny: Any) -> None:
    with pytest.raises(InputError, match=r"--set pretrain\.devices=1"):
        planned(tiny, max_steps=3, devices=2)


def test_a_plan_says_time_memory_disk_epochs_and_tokens_per_parameter() -> None:
    shown = "\n".join(described(FOUND))
    for words in ("22 min for 5,500 steps", "3.0 GiB", "256 MiB", "4.0 epochs of 2,400,000", "1.92 (5,000,000 parameters)", "50 measured steps in bf16"):  # fmt: skip
        assert words in shown


def test_a_gpu_is_planned_from_measured_rows_only() -> None:
    (row,) = [speed for speed in SPEEDS if (speed.recipe, speed.machine) == ("bert-base", "NVIDIA H200")]
    lines = list(on_gpus("bert-base", FOUND, ("NVIDIA H200", "NVIDIA H100")))
    assert lines[0].startswith("one NVIDIA H200: 16 s, 27.4 GiB at 591,000 tokens/s, measured with")
    assert row.how in lines[0]
    assert lines[1] == "one NVIDIA H100: not measured"
    assert list(on_gpus("mine", FOUND, ("NVIDIA H200",))) == ["one NVIDIA H200: not measured"]
