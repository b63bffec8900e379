"""Alarms of a run: a loss that jumps, that is not a number, or that stays where nothing is learned."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as lightning
import numpy as np
import torch
from torch import Tensor

from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.errors import TrainingFailed
from kobert_pipeline.ground.messages import say
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import checkpoints

logger = logging.getLogger(__name__)

SPIKES, PLATEAUS, REPEATS = "loss_spikes", "plateaus", "repeated_text"


class Spikes:
    """Losses that are more than THRESHOLD robust deviations above the median of those before them. A robust deviation is 1.4826
    times the median distance from the median; for a normal distribution it equals the standard deviation."""

    WINDOW, ENOUGH, THRESHOLD = 100, 30, 8.0
    SMALLEST = 0.01
    """Nats: the least that a deviation counts as."""

    def __init__(self) -> None:
        self.window: list[float] = []
        self.phase = 0
        self.is_high = False

    def add(self, loss: float, phase: int = 0) -> float | None:
        """The median before a spike's first loss, None for every other loss. A phase begins a new window."""
        if phase != self.phase:
            self.window, self.phase, self.is_high = [], phase, False
        known = np.array(self.window[-self.WINDOW :])
        self.window = [*self.window[1 - self.WINDOW :], loss]
        if len(known) < self.ENOUGH:
            return None
        median = float(np.median(known))
        deviation = max(self.SMALLEST, 1.4826 * float(np.median(np.abs(known - median))))
        was_high, self.is_high = self.is_high, loss > median + self.THRESHOLD * deviation
        return median if self.is_high and not was_high else None


PLATEAU_STEPS, PLATEAU_ROWS = 500, 10
NEAR, STILL = 0.25, 0.02
"""Nats: how near to chance, and how little better the second half of the steps is than the first."""


def plateau(curve: Sequence[Mapping[str, float]], headline: str, chance: float, log_steps: int) -> float | None:
    """The loss at which a run stays near `chance` over its last steps. None if it learns, if the learning rate still rises, or
    if the steps are too few to tell."""
    steps = max(PLATEAU_STEPS, PLATEAU_ROWS * log_steps)
    first = (curve[-1]["step"] if curve else 0) - steps
    rows = [row for row in curve if row["step"] > first]
    if first < 0 or len(rows) < PLATEAU_ROWS or rows[0]["learning_rate"] < rows[-1]["learning_rate"]:
        return None
    losses, middle = [row[headline] for row in rows], len(rows) // 2
    before, after = float(np.mean(losses[:middle])), float(np.mean(losses[middle:]))
    return after if after > chance - NEAR and before - after < STILL else None


LONG_SENTENCE = 16
"""Tokens: shorter sentences ("감사합니다.") recur in any text."""
MOST_REPEATED = 0.1


def repeated_share(block: Block) -> float:
    """The share of the block's tokens in long sentences that occurred in it before. A block is a sample of the corpus: in the
    whole corpus, more is repeated."""
    seen: set[bytes] = set()
    repeated = 0
    for start, end in pairwise(block.sentence_offsets.tolist()):
        if end - start >= LONG_SENTENCE:
            content = block.tokens[start:end].tobytes()
            repeated += (end - start) * (content in seen)
            seen.add(content)
    return repeated / max(1, len(block.tokens))


NORM = "gradient norm"


class Level(NamedTuple):
    """The headline of an objective, and its value for a model that knows nothing."""

    headline: str
    name: str
    """`unigram entropy`."""
    value: float


class Unread(NamedTuple):
    """A step whose figures are still on the device."""

    place: str
    phase: int
    names: tuple[str, ...]
    values: Tensor
    """Each loss, and the gradient norm, in the order of `names`."""


class Alarms(lightning.Callback):
    """Warns of repeated text, spikes and a plateau, one line each, and counts them. A loss or gradient that is not a number ends
    the run.

    Figures are read every `log_steps`, and before a checkpoint is written: on a GPU each reading waits. The module skips a bad
    step and all after it, so that the run ends with the weights of before. This callback comes before those that measure and
    write checkpoints.
    """

    def __init__(self, config: PretrainConfig, level: Level, folder: Path) -> None:
        self.config, self.level, self.folder = config, level, folder
        self.spikes, self.counts = Spikes(), Counter[str]()
        self._rows = 0
        self._unread: list[Unread] = []

    def summary(self) -> dict[str, Any]:
        """For the summary: empty if there was no warning."""
        return {"warnings": dict(sorted(self.counts.items()))} if self.counts else {}

    def look_at(self, block: Block) -> None:
        """Before training: does the text repeat itself?"""
        share = repeated_share(block)
        if share > MOST_REPEATED:
            self.counts[REPEATS] = 1
            logger.warning(
                "pretrain: %.0f%% of the text is sentences that occur in it more than once: the model will learn those by "
                "heart. Look at `corpora.deduplicate`",
                100 * share,
            )

    def state_dict(self) -> dict[str, Any]:
        """The state after a good step. Raises TrainingFailed after a bad one, so that no checkpoint is written."""
        self._read()
        spikes = self.spikes
        window = {"window": spikes.window, "phase": spikes.phase, "is_high": spikes.is_high}
        return window | {"counts": dict(self.counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.spikes.window, self.spikes.phase, self.spikes.is_high = state["window"], state["phase"], state["is_high"]
        self.counts = Counter(state["counts"])

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        self._unread.append(_step(module))
        step = module.global_step
        closes_a_row = step % self.config.log_steps == 0 or step == module.horizon.total
        if closes_a_row or self.config.precision == "fp16":  # the module does not look at its loss
            self._read()
        if len(module.curve) != self._rows:
            self._rows = len(module.curve)
            self._warn_of_plateau(module)

    def _read(self) -> None:
        """Waits for the device."""
        steps, self._unread = self._unread, []
        figures = torch.stack([step.values for step in steps]).tolist() if steps else []
        for step, values in zip(steps, figures, strict=True):
            self._require_numbers(step, values)
            self._warn_of_spike(step, values[step.names.index(self.level.headline)])

    def _require_numbers(self, step: Unread, values: Sequence[float]) -> None:
        for name, value in zip(step.names, values, strict=True):
            if name == NORM and self.config.precision == "fp16":
                continue  # loss scaling handles it
            if not math.isfinite(value):
                what = name if name == NORM else f"{name} loss"
                raise TrainingFailed(
                    say("pretrain: the {what} is {value} {place}.", what=what, value=value, place=step.place)
                    + f" {self._advice()}"
                )

    def _advice(self) -> str:
        kept = checkpoints(self.folder)
        good = say("there is no checkpoint yet")
        if kept:
            good = say("the last good checkpoint is {name}", name=kept[-1].name)
        return say(
            "Stopped; {good}. Lower learning_rate, raise warmup_share, or set precision: fp32, and run again.",
            good=good,
        )

    def _warn_of_spike(self, step: Unread, loss: float) -> None:
        median = self.spikes.add(loss, step.phase)
        if median is not None:
            self.counts[SPIKES] += 1
            logger.warning("pretrain: the loss jumped from %.3f to %.3f %s", median, loss, step.place)

    def _warn_of_plateau(self, module: PretrainModule) -> None:
        if PLATEAUS in self.counts:
            return
        loss = plateau(module.curve, self.level.headline, self.level.value, self.config.log_steps)
        if loss is not None:
            self.counts[PLATEAUS] += 1
            logger.warning(
                "pretrain: at step %s the loss stays at %.3f, near the %s (%.3f): so far the model has learned nothing beyond "
                "it. Give it more steps, or try another learning_rate",
                f"{module.global_step:,}", loss, self.level.name, self.level.value,
            )  # fmt: skip


def _step(module: PretrainModule) -> Unread:
    """The last step: its losses and the headline, other metrics left out."""
    assert module.gradient_norm is not None
    watched = {*module.losses, module.objective.headline}
    losses = {name: value for name, value in module.latest.items() if name in watched}
    values = torch.stack([*losses.values(), module.gradient_norm.double()])
    return Unread(_place(module), module.cursor["phase"], (*losses, NORM), values)


def _place(module: PretrainModule) -> str:
    """The cursor is after the batch."""
    cursor = module.cursor
    return say(
        "at step {step:,} (batch {batch:,}, phase {phase}, epoch {epoch})",
        step=cursor["batch"], batch=cursor["batch"] - 1, phase=cursor["phase"], epoch=cursor["epoch"],
    )  # fmt: skip
