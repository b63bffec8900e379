"""Checkpoints that a kill cannot spoil: written to a temporary name, synced, renamed; the last two are kept."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from kobert_pipeline.artifacts import atomic_path

logger = logging.getLogger(__name__)

KEPT = 2


class AtomicCheckpoints(lightning.Callback):
    """Writes `step-NNNNNNNN.ckpt` every `minutes` of training, after a step."""

    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder, self.seconds = folder, 60 * minutes
        self._last = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        if time.monotonic() - self._last >= self.seconds:
            save(trainer, self.folder)
            self._last = time.monotonic()


def save(trainer: lightning.Trainer, folder: Path) -> Path:
    """The whole training state at this step; older checkpoints but the last are removed."""
    target = folder / f"step-{trainer.global_step:08d}.ckpt"
    with atomic_path(target) as temporary:
        trainer.save_checkpoint(temporary)
    for old in checkpoints(folder)[:-KEPT]:
        old.unlink()
    return target


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted(folder.glob("step-*.ckpt"))


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("step-"))
