"""Where a run's live figures go in addition to its own CSV files: always to TensorBoard, and to Weights & Biases if the recipe
names a project."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.pretrain.config import PretrainConfig


def loggers(folder: Path, config: PretrainConfig) -> list[Any]:
    """Raises InputError when a W&B project is named and its client is not installed."""
    always: list[Any] = [TensorBoardLogger(folder, name="tensorboard")]
    return always if config.wandb_project is None else [*always, _wandb(folder, config.wandb_project)]


def _wandb(folder: Path, project: str) -> Any:
    if importlib.util.find_spec("wandb") is None:
        raise InputError(
            f"pretrain.wandb_project: {project}: Weights & Biases is not installed. Run `pip install wandb`."
        )
    from lightning.pytorch.loggers import WandbLogger

    return WandbLogger(project=project, save_dir=folder)
