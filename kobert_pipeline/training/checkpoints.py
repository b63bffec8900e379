"""Checkpoints that a kill cannot damage: they are written under a temporary name, synced and renamed. The newest and
the best are kept."""

from __future__ import annotations

import logging
import os
import pickle
import re
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.training.ranks import Turns

logger = logging.getLogger(__name__)

_NAME = re.compile(r"(?:step|best)-[0-9]+\.ckpt")

KEPT = 2
DAMAGED = (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile)
"""Errors that reading a truncated or overwritten file raises."""


class AtomicCheckpoints(lightning.Callback):
    """Writes `step-NNNNNNNN.ckpt` after a step, every `minutes` of training. All ranks write at the same step: at the
    steps of `turns` they agree on what the clock of the first rank says.

    `best` returns step and figure (lower is better) of every measurement so far. The checkpoint of the lowest figure is
    kept as `best-NNNNNNNN.ckpt`.
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
        is_measured = bool(figures) and figures[-1][0] == step  # alike on all ranks; figures may not be
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
    """Whether the last (step, figure) was measured at `step` and is lower than all earlier ones."""
    return bool(figures) and figures[-1][0] == step and all(figures[-1][1] < value for _, value in figures[:-1])


def save(trainer: lightning.Trainer, folder: Path, kept: int = KEPT) -> Path:
    """Writes the whole training state at this step and removes all but the newest `kept` checkpoints. Every rank must
    call this; only the first one writes."""
    target = folder / f"step-{trainer.global_step:08d}.ckpt"
    if not trainer.is_global_zero:
        trainer.save_checkpoint(target)
        return target
    with atomic_path(target) as temporary:
        trainer.save_checkpoint(temporary)
    for beyond in [path for path in _all(folder) if step_of(path) > trainer.global_step]:
        beyond.unlink()  # it could not be read, and the run continued from an earlier one
    for old in checkpoints(folder)[:-kept]:
        old.unlink()
    return target


def keep_as_best(checkpoint: Path) -> None:
    """Links the checkpoint to a second name, which stays when the first is removed. Copies it if the file system has no
    links."""
    target = checkpoint.with_name(checkpoint.name.replace("step-", "best-"))
    link(checkpoint, target)
    for other in _named(checkpoint.parent, "best"):
        if other != target:
            other.unlink()


def link(checkpoint: Path, target: Path) -> None:
    """A second name for the file, or a copy."""
    with atomic_path(target) as temporary:
        try:
            os.link(checkpoint, temporary)
        except OSError:
            shutil.copyfile(checkpoint, temporary)


def checkpoints(folder: Path) -> list[Path]:
    """Returns the complete checkpoints, oldest first. Files of other names, such as a user's copy, are left alone."""
    return _named(folder, "step")


def best_checkpoint(folder: Path) -> Path | None:
    return max(_named(folder, "best"), key=step_of, default=None)


def latest_readable(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Returns the newest checkpoint that is not damaged, with its content. A damaged one is named in a warning and
    skipped."""
    import torch

    for path in sorted(_all(folder), key=step_of, reverse=True):
        try:
            _require_whole(path)
            return path, torch.load(path, map_location="cpu", weights_only=True)
        except DAMAGED as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            logger.warning("%s cannot be read (%s): continuing from the one before it.", path.name, reason)
    return None


def _require_whole(path: Path) -> None:
    """Raises one of DAMAGED if a checksum is wrong. torch itself checks only the frame of the file."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise WrongValue("{damaged} is damaged", damaged=damaged)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.partition("-")[2])


def _all(folder: Path) -> list[Path]:
    return [*checkpoints(folder), *_named(folder, "best")]


def _named(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{kind}-*.ckpt") if _NAME.fullmatch(path.name) and path.is_file())
