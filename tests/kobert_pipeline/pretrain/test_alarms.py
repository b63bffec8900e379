"""Warnings of a run: jumps of the loss, losses that are no numbers, plateaus."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import TrainingFailed
from kobert_pipeline.objectives import mlm
from kobert_pipeline.pretrain.alarms import NORM, Alarms, Level, Spikes, Unread, plateau, repeated_share
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import checkpoints

SETTINGS = {
    "objective": {"name": "mlm"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16, "positions": 64},
    "phases": [{"max_length": 48, "batch_size": 4}],
    "max_steps": 12, "validation_steps": 12, "log_steps": 2, "precision": "fp32", "checkpoint_minutes": 1e-9,
    "measured_sentences": 0,
}  # fmt: skip


LEVEL = Level("mlm", "unigram entropy", 7.0)


def falling(count: int) -> list[float]:
    rng = np.random.default_rng(0)
    return (7 - 2 * np.arange(count) / count + rng.normal(0, 0.1, count)).tolist()


def test_an_ordinary_curve_raises_no_alarm():
    spikes = Spikes()
    assert [spikes.add(loss) for loss in falling(1_000)] == [None] * 1_000


def test_a_jump_is_reported_once_however_long_it_stays():
    spikes = Spikes()
    losses = [*falling(200), 9.0, 9.1, 9.0, *falling(200)[150:], 9.0]
    found = [number for number, loss in enumerate(losses) if spikes.add(loss) is not None]
    assert found == [200, 253]


def test_another_phase_begins_a_new_window():
    spikes = Spikes()
    for loss in falling(100):
        spikes.add(loss, phase=0)
    assert spikes.add(9.0, phase=1) is None


def test_the_window_never_grows_beyond_its_size():
    spikes = Spikes()
    for loss in falling(500):
        spikes.add(loss)
    assert len(spikes.window) == Spikes.WINDOW


def rows(losses) -> list[dict[str, float]]:
    return [{"step": 20 * (number + 1), "mlm": loss, "learning_rate": 1e-3} for number, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "found"),
    [
        (np.full(60, 7.3), True),  # learned the frequencies, nothing else
        (np.full(60, 4.0), False),  # stands still, far below
        (np.linspace(9.0, 7.2, 60), False),  # still falls
    ],
)
def test_a_plateau_stands_still_near_the_unigram_entropy(losses, found):
    assert (plateau(rows(losses), "mlm", 7.34, log_steps=20) is not None) is found


def test_too_short_a_run_is_not_judged():
    assert plateau(rows([7.3] * 24), "mlm", 7.34, log_steps=20) is None
    assert plateau([], "mlm", 7.34, log_steps=20) is None


def test_a_run_whose_rate_still_rises_is_not_judged():
    warming = [row | {"learning_rate": row["step"] * 1e-6} for row in rows([7.3] * 60)]
    assert plateau(warming, "mlm", 7.34, log_steps=20) is None


def test_long_sentences_that_come_again_are_counted():
    long, other, short = list(range(20)), list(range(30, 50)), [1, 2]
    sentences = [long, other, short, long, short, long]
    offsets = np.append(0, np.cumsum([len(sentence) for sentence in sentences]))
    block = SimpleNamespace(tokens=np.concatenate(sentences).astype(np.uint16), sentence_offsets=offsets)
    assert repeated_share(block) == pytest.approx(40 / 84)
    alarms = Alarms(SimpleNamespace(precision="fp32"), LEVEL, None)
    alarms.look_at(block)
    assert alarms.summary() == {"warnings": {"repeated_text": 1}}


# --- in a run --------------------------------------------------------------------------------------------------------


def train(root, tiny, **changes):
    config = PretrainConfig.parse(SETTINGS | changes)
    with Workspace(root, Identity("pretrain", 1, config.content(), {}, 7, {})) as out:
        return out.path, build(config, tiny.tokenizer, tiny.dataset, out, seed=7)


def spoil_step(monkeypatch, at: int, spoil) -> None:
    """Makes the MLM loss of one training step something else."""
    real, seen = mlm.OBJECTIVE.loss, []

    def loss(model, batch, generator, options):
        terms = real(model, batch, generator, options)
        if model.training:
            seen.append(batch)
        if not model.training or len(seen) != at + 3:  # three passes count FLOPs before the first step
            return terms
        return terms | {"mlm": dataclasses.replace(terms["mlm"], sum=spoil(terms["mlm"].sum))}

    objective = dataclasses.replace(mlm.OBJECTIVE, loss=loss)
    monkeypatch.setattr("kobert_pipeline.pretrain.models.OBJECTIVES", {"mlm": objective})


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda total: total * float("nan"), "the mlm loss is nan"),
        (lambda total: total * float("inf"), "the mlm loss is inf"),
        (
            lambda total: total + (total - total.detach()).sqrt(),
            "the gradient norm is (nan|inf)",
        ),  # an infinite slope
    ],
)
def test_a_loss_or_gradient_that_is_no_number_ends_the_run(tiny, tmp_path, monkeypatch, spoil, what):
    spoil_step(monkeypatch, 6, spoil)
    with pytest.raises(TrainingFailed, match=rf"{what} at step 6 \(batch 5, phase 0, epoch \d\).*step-00000005\.ckpt"):
        train(tmp_path, tiny)
    kept = checkpoints(next(tmp_path.rglob("checkpoints")))
    assert [path.name for path in kept] == ["step-00000004.ckpt", "step-00000005.ckpt"]
    for path in kept:
        state = torch.load(path, weights_only=True)["state_dict"]
        assert all(torch.isfinite(tensor).all() for tensor in state.values())


def test_a_bad_step_is_found_when_a_row_is_closed_and_nothing_was_changed_since(tiny, tmp_path, monkeypatch):
    """Without a checkpoint in between nobody looks: steps 7 to 10 are computed, and none of them is taken."""
    spoil_step(monkeypatch, 7, lambda total: total * float("nan"))
    real, weights = PretrainModule.training_step, []

    def noted(self, *given):
        real(self, *given)
        weights.append(torch.cat([parameter.detach().flatten() for parameter in self.model.parameters()]))

    monkeypatch.setattr(PretrainModule, "training_step", noted)
    with pytest.raises(TrainingFailed, match=r"the mlm loss is nan at step 7 \(batch 6, .*there is no checkpoint yet"):
        train(tmp_path, tiny, log_steps=5, checkpoint_minutes=5.0)
    assert len(weights) == 10
    assert not torch.equal(weights[4], weights[5])
    assert all(torch.equal(weights[5], later) for later in weights[6:])
    assert torch.isfinite(weights[-1]).all()


def test_a_jump_is_one_line_and_is_counted_in_the_summary(tiny, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Spikes, "ENOUGH", 3)
    monkeypatch.setattr(Spikes, "THRESHOLD", 100.0)
    spoil_step(monkeypatch, 8, lambda total: total * 50)
    with caplog.at_level(logging.WARNING):
        _, summary = train(tmp_path, tiny)
    assert summary["warnings"] == {"loss_spikes": 1}
    (line,) = [record.getMessage() for record in caplog.records if "jumped" in record.getMessage()]
    assert "at step 8 (batch 7, phase 0, epoch " in line


def test_a_calm_run_has_no_warnings_in_its_summary(tiny, tmp_path):
    _, summary = train(tmp_path, tiny, checkpoint_minutes=5.0)
    assert "warnings" not in summary


def test_fp16_looks_at_the_loss_alone():
    """Its loss scaling meets infinite gradients now and then, and skips those steps."""
    step = Unread("at step 1", 0, ("mlm", NORM), torch.zeros(2))
    alarms = Alarms(SimpleNamespace(precision="fp16"), LEVEL, Path("none"))
    alarms._require_numbers(step, [1.0, float("inf")])
    with pytest.raises(TrainingFailed, match="the mlm loss is nan at step 1"):
        alarms._require_numbers(step, [float("nan"), 1.0])


def test_the_state_comes_back():
    first, second = (Alarms(SimpleNamespace(precision="fp32"), LEVEL, None) for _ in range(2))
    for loss in falling(40):
        first.spikes.add(loss)
    first.counts["loss_spikes"] = 2
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    assert second.summary() == {"warnings": {"loss_spikes": 2}}
