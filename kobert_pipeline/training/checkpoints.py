"""Checkpoints that a kill cannot spoil: written to a temporary name, synced, renamed. The newest are kept, and the best."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.training.ranks import Turns

logger = logging.getLogger(__name__)

KEPT = 2
DAMAGED = (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile)
"""What reading a truncated or overwritten file raises."""


class AtomicCheckpoints(lightning.Callback):
    """Writes `step-NNNNNNNN.ckpt` every `minutes` of training, after a step. Ranks write at the same step, by the first one's
    clock, on which they agree at `turns`.

    `best` gives step and figure (lower is better) of every measurement so far; the checkpoint of the lowest is kept as
    `best-NNNNNNNN.ckpt`.
    """

    def __init__(
        self, folder: Path, minutes: float, turns: Turns, kept: int = KEPT,
        best: Callable[[], list[tuple[int, float]]] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.seconds, self.turns, self.kept, self.best = folder, 60 * minutes, turns, kept, best
        self._last = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        figures, step = self.best() if self.best is not None else [], trainer.global_step
        is_measured = bool(figures) and figures[-1][0] == step  # on all ranks; figures may differ in their last bits
        if not (is_measured or self.turns.has_come(step)):
            return
        is_best = is_lowest(figures, step)
        due = trainer.is_global_zero and time.monotonic() - self._last >= self.seconds
        if trainer.strategy.reduce_boolean_decision(due or is_best, all=False):
            written = save(trainer, self.folder, self.kept)
            if is_best and trainer.is_global_zero:
                keep_as_best(written)
            self._last = time.monotonic()


def is_lowest(figures: list[tuple[int, float]], step: int) -> bool:
    """Whether the last of the (step, figure) was taken at `step` and is below all before."""
    return bool(figures) and figures[-1][0] == step and all(figures[-1][1] < value for _, value in figures[:-1])


def save(trainer: lightning.Trainer, folder: Path, kept: int = KEPT) -> Path:
    """The whole training state at this step; all but the newest are removed. Every rank calls it, the first one writes."""
    target = folder / f"step-{trainer.global_step:08d}.ckpt"
    if not trainer.is_global_zero:
        trainer.save_checkpoint(target)
        return target
    with atomic_path(target) as temporary:
        trainer.save_checkpoint(temporary)
    for beyond in [path for path in _all(folder) if step_of(path) > trainer.global_step]:
        beyond.unlink()  # could not be read: the run goes on from an earlier one
    for old in checkpoints(folder)[:-kept]:
        old.unlink()
    return target


def keep_as_best(checkpoint: Path) -> None:
    """A second name for it, which outlives the first; a copy where the file system has no links."""
    target = checkpoint.with_name(checkpoint.name.replace("step-", "best-"))
    with atomic_path(target) as temporary:
        try:
            os.link(checkpoint, temporary)
        except OSError:
            shutil.copyfile(checkpoint, temporary)
    for other in checkpoint.parent.glob("best-*.ckpt"):
        if other != target:
            other.unlink()


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted(folder.glob("step-*.ckpt"))


def best_checkpoint(folder: Path) -> Path | None:
    return max(folder.glob("best-*.ckpt"), key=step_of, default=None)


def latest_readable(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that can be read whole, and what it holds. A damaged one is named, and passed over."""
    import torch

    for path in sorted(_all(folder), key=step_of, reverse=True):
        try:
            _require_whole(path)
            return path, torch.load(path, map_location="cpu", weights_only=True)
        except DAMAGED as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            logger.warning("%s cannot be read (%s): going on from the one before it.", path.name, reason)
    return None


def _require_whole(path: Path) -> None:
    """Raises one of DAMAGED where a checksum does not hold: torch looks at the file's frame alone."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.partition("-")[2])


def _all(folder: Path) -> list[Path]:
    return [*checkpoints(folder), *folder.glob("best-*.ckpt")]
