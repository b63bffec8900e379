"""What a recipe's training asks of this machine, found out before the first stage."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil

from kobert_pipeline.architectures.varlen import VARLEN
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.training.precision import fastest, warn_if_emulated
from kobert_pipeline.training.ranks import NAMES, launched

logger = logging.getLogger(__name__)

COMPILERS = ("c++", "g++", "clang++", "cl")


def require_machine(config: PretrainConfig) -> None:
    """Raises InputError for what the machine, its libraries or the launcher do not have. Imports torch only where a setting
    depends on it."""
    _require_processes(config)
    if config.wandb_project is not None and importlib.util.find_spec("wandb") is None:
        raise InputError(
            "pretrain.wandb_project: {wandb_project}: Weights & Biases is not installed. Run `pip install wandb`.",
            wandb_project=config.wandb_project,
        )
    if config.compile and not any(map(shutil.which, (os.environ.get("CXX", ""), *COMPILERS))):
        raise InputError("pretrain.compile: no C++ compiler is found. Install g++, or set compile: false.")
    if config.precision == "fp16" or config.devices > 1 or config.attention in ("flex_attention", VARLEN):
        _require_gpu(config)


def settled(config: PretrainConfig, began: str | None = None) -> PretrainConfig:
    """The settings with the precision in which this machine computes them. `began`: that of the run which goes on; `auto` keeps it, so
    that a run has one precision from its first step to its last. Raises InputError as `require_machine` does."""
    if config.precision == "auto":
        config = config.model_copy(update={"precision": _kept(began) or fastest()})
    require_machine(config)
    warn_if_emulated(config.precision, "pretrain.precision")
    return config


def _kept(began: str | None) -> str | None:
    if began is not None and began != (here := fastest()):
        logger.info("pretrain: the run goes on in %s, in which it began; this machine would take %s", began, here)
    return began


def _require_processes(config: PretrainConfig) -> None:
    wanted, started = config.devices * config.nodes, launched()
    if started is not None and started != wanted:
        raise InputError(
            "torchrun started {started} processes, the recipe names {devices} devices on each of {nodes} nodes: set pretrain.devices and pretrain.nodes.",
            started=started,
            devices=config.devices,
            nodes=config.nodes,
        )
    if config.nodes > 1 and not any(name in os.environ for name in (*NAMES, "MASTER_ADDR")):
        raise InputError(
            "pretrain.nodes: {nodes}, and this process was not started as one of several. Start the command on every node with torchrun or srun, or set nodes: 1.",
            nodes=config.nodes,
        )


def _require_gpu(config: PretrainConfig) -> None:
    import torch

    if not torch.cuda.is_available():
        if config.precision == "fp16":
            raise InputError("pretrain.precision: fp16 needs a GPU; a CPU computes bf16 or fp32.")
        if config.attention == "flex_attention":
            raise InputError("pretrain.attention: flex_attention trains on a GPU only; set auto, eager or sdpa.")
        return
    if torch.cuda.device_count() < config.devices:
        raise InputError(
            "pretrain.devices: {devices}, and this machine has {count} GPUs.",
            devices=config.devices,
            count=torch.cuda.device_count(),
        )
    if config.attention == VARLEN and torch.cuda.get_device_capability() < (8, 0):
        raise InputError(
            "pretrain.attention: varlen needs a GPU of the generation Ampere or later, not {device}; set sdpa.",
            device=torch.cuda.get_device_name(),
        )
    if config.attention == VARLEN and config.precision == "fp32":
        raise InputError(
            "pretrain.attention: varlen does not support fp32 on a GPU, and this run began in fp32; set auto or sdpa."
        )
