"""Where a run's live figures go in addition to its own CSV files: always to TensorBoard, and to Weights & Biases if the recipe
names a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from kobert_pipeline.pretrain.config import PretrainConfig


def loggers(folder: Path, config: PretrainConfig) -> list[Any]:
    """The live logs of a run. `machine.py` has checked that the client of W&B is installed if a project is named."""
    always: list[Any] = [TensorBoardLogger(folder, name="tensorboard")]
    return always if config.wandb_project is None else [*always, _wandb(folder, config.wandb_project)]


def _wandb(folder: Path, project: str) -> Any:
    from lightning.pytorch.loggers import WandbLogger

    return WandbLogger(project=project, save_dir=folder)
