"""Models of steps on the way, which `hub.checkpoints` publishes: kept as checkpoints in training, exported after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import nn

from kobert_pipeline.ground.contents.pretrained_run import kept_folder
from kobert_pipeline.ground.files import atomic_folder
from kobert_pipeline.training.checkpoints import link, save

logger = logging.getLogger(__name__)


class KeepSteps(lightning.Callback):
    """Writes `keep-NNNNNNNN.ckpt` after each of the `steps`. Every rank takes part; the first one writes."""

    def __init__(self, folder: Path, steps: Collection[int], kept: int) -> None:
        self.folder, self.steps, self.kept = folder, frozenset(steps), kept

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        if trainer.global_step in self.steps:
            written = save(trainer, self.folder, self.kept)
            if trainer.is_global_zero:
                link(written, _kept(self.folder, trainer.global_step))


def _kept(folder: Path, step: int) -> Path:
    return folder / f"keep-{step:08d}.ckpt"


def export_kept(
    run: Path, checkpoints: Path, module: nn.Module, fresh: Callable[[], Any], export: Callable[..., None]
) -> None:
    """Exports the model of every kept step into a folder of the run, and deletes its checkpoint. Goes on where it was interrupted.

    `fresh` builds the models, which get the weights; `export` writes them.
    """
    for path in sorted(checkpoints.glob("keep-*.ckpt")):
        step = int(path.stem.partition("-")[2])
        target = kept_folder(run, step)
        if not target.is_dir():
            module.model = fresh()
            module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["state_dict"])
            with atomic_folder(target) as partial:
                export(module.model, folder=partial)
        path.unlink()
        logger.info("pretrain: the model of step %s is kept in %s", f"{step:,}", target.name)
