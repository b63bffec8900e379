"""What should worry whoever watches a run: losses that jump, that are no numbers, that stand where nothing is learned."""

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
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import checkpoints

logger = logging.getLogger(__name__)

SPIKES, PLATEAUS, REPEATS = "loss_spikes", "plateaus", "repeated_text"


class Spikes:
    """Losses that stand out from those before them: by more than THRESHOLD robust deviations (1.4826 times the median
    distance from the median, which is a standard deviation where losses are normal) above the median of a window."""

    WINDOW, ENOUGH, THRESHOLD = 100, 30, 8.0
    SMALLEST = 0.01
    """Nats: a deviation is never taken to be less."""

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
"""Nats: how near to the unigram entropy, and how little better the second half of the steps is than the first."""


def plateau(curve: Sequence[Mapping[str, float]], entropy: float, log_steps: int) -> float | None:
    """The loss at which a run stands still near the unigram entropy (what knowing each piece's frequency gives), over its
    last steps; None where it learns, where the learning rate still rises, or where the steps are too few to tell."""
    steps = max(PLATEAU_STEPS, PLATEAU_ROWS * log_steps)
    first = (curve[-1]["step"] if curve else 0) - steps
    rows = [row for row in curve if row["step"] > first and "mlm" in row]
    if first < 0 or len(rows) < PLATEAU_ROWS or rows[0]["learning_rate"] < rows[-1]["learning_rate"]:
        return None
    losses, middle = [row["mlm"] for row in rows], len(rows) // 2
    before, after = float(np.mean(losses[:middle])), float(np.mean(losses[middle:]))
    return after if after > entropy - NEAR and before - after < STILL else None


LONG_SENTENCE = 16
"""Pieces: shorter ones ("감사합니다.") come again in any text."""
MOST_REPEATED = 0.1


def repeated_share(block: Block) -> float:
    """Share of the block's pieces in long sentences that stood in it before. A block is a sample of the corpus: of the
    whole, more is repeated."""
    seen: set[bytes] = set()
    repeated = 0
    for start, end in pairwise(block.sentence_offsets.tolist()):
        if end - start >= LONG_SENTENCE:
            content = block.tokens[start:end].tobytes()
            repeated += (end - start) * (content in seen)
            seen.add(content)
    return repeated / max(1, len(block.tokens))


NORM = "gradient's norm"


class Unread(NamedTuple):
    """A step whose figures lie on the device still."""

    place: str
    phase: int
    names: tuple[str, ...]
    values: Tensor
    """Each loss, and the gradient's norm: in the order of `names`."""


class Alarms(lightning.Callback):
    """Warns of repeated text, spikes and a plateau, one line each, and counts them. A loss or gradient that is no number ends the run.

    Figures are read every `log_steps`, and before a checkpoint is written: on a GPU each reading waits for it. A step that is
    no good, and those after it, are left out by the module, so that the weights are those before it when the run ends. Stands
    before the callbacks that measure and write checkpoints.
    """

    def __init__(self, config: PretrainConfig, entropy: float, folder: Path) -> None:
        self.config, self.entropy, self.folder = config, entropy, folder
        self.spikes, self.counts = Spikes(), Counter[str]()
        self._rows = 0
        self._unread: list[Unread] = []

    def found(self) -> dict[str, Any]:
        """For the summary: nothing where there was nothing."""
        return {"warnings": dict(sorted(self.counts.items()))} if self.counts else {}

    def look_at(self, block: Block) -> None:
        """Before training: is the text all its own?"""
        share = repeated_share(block)
        if share > MOST_REPEATED:
            self.counts[REPEATS] = 1
            logger.warning(
                "pretrain: %.0f%% of the text are sentences that stand in it more than once: the model will learn those by "
                "heart. Look at `corpora.deduplicate`",
                100 * share,
            )

    def state_dict(self) -> dict[str, Any]:
        """Of a good step: raises TrainingFailed where there was another, and no checkpoint is written."""
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
        if closes_a_row or self.config.precision == "fp16":  # whose loss the module does not look at
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
            self._warn_of_spike(step, sum(values[:-1]))

    def _require_numbers(self, step: Unread, values: Sequence[float]) -> None:
        for name, value in zip(step.names, values, strict=True):
            if name == NORM and self.config.precision == "fp16":
                continue  # the scaling of the loss looks after it
            if not math.isfinite(value):
                raise TrainingFailed(f"pretrain: the {name} is {value} {step.place}. {self._advice()}")

    def _advice(self) -> str:
        kept = checkpoints(self.folder)
        good = f"the last good checkpoint is {kept[-1].name}" if kept else "there is no checkpoint yet"
        return f"Stopped; {good}. Lower learning_rate, raise warmup_share, or set precision: fp32, and run again."

    def _warn_of_spike(self, step: Unread, loss: float) -> None:
        median = self.spikes.add(loss, step.phase)
        if median is not None:
            self.counts[SPIKES] += 1
            logger.warning("pretrain: the loss jumped from %.3f to %.3f %s", median, loss, step.place)

    def _warn_of_plateau(self, module: PretrainModule) -> None:
        if PLATEAUS in self.counts:
            return
        loss = plateau(module.curve, self.entropy, self.config.log_steps)
        if loss is not None:
            self.counts[PLATEAUS] += 1
            logger.warning(
                "pretrain: at step %s the loss stands still at %.3f nats, near the unigram entropy (%.3f): so far the model "
                "knows how frequent pieces are, and no more. Give it more steps, or try another learning_rate",
                f"{module.global_step:,}", loss, self.entropy,
            )  # fmt: skip


def _step(module: PretrainModule) -> Unread:
    """The last one. Accuracies are no losses."""
    assert module.gradient_norm is not None
    losses = {f"{name} loss": value for name, value in module.latest.items() if not name.endswith("_accuracy")}
    values = torch.stack([*losses.values(), module.gradient_norm.double()])
    return Unread(_place(module), module.cursor["phase"], (*losses, NORM), values)


def _place(module: PretrainModule) -> str:
    """The cursor stands behind the batch."""
    cursor = module.cursor
    batch = f"batch {cursor['batch'] - 1:,}, phase {cursor['phase']}, epoch {cursor['epoch']}"
    return f"at step {cursor['batch']:,} ({batch})"
