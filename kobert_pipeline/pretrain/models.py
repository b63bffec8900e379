"""The models of a run by role, and the parts of its objective, as one module: what is trained, and what is only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import Architecture, ModelSpec, require_layers
from kobert_pipeline.architectures.attention_scores import SCORES
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import STUDENT, Objective, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.frozen_models import begin_as, frozen_model
from kobert_pipeline.pretrain.start import read_config, require_checkpoint


class Models(nn.Module):
    """What a loss is given: `models.student`, `models["generator"]`, `models.parts["boundary"]`.

    Frozen models compute without gradients and dropout. They move to the device with the others, and are in no checkpoint.
    """

    def __init__(self, trained: Mapping[str, nn.Module], frozen: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.roles = nn.ModuleDict(trained)
        self.parts = nn.ModuleDict()
        # Not as children: a child's weights would be trained and stored.
        self.__dict__["frozen"] = {role: model.requires_grad_(False).eval() for role, model in (frozen or {}).items()}

    @property
    def student(self) -> Any:
        return self.roles[STUDENT]

    def __getitem__(self, role: str) -> Any:
        return self.roles[role] if role in self.roles else self.__dict__["frozen"][role]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        for model in self.__dict__["frozen"].values():
            model._apply(fn)
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def objective_of(config: PretrainConfig) -> Objective:
    return OBJECTIVES[config.objective["name"]]


def architecture_of(config: PretrainConfig) -> Architecture:
    return ARCHITECTURES[config.architecture["name"]]


def build_models(
    config: PretrainConfig, info: TokenizerInfo, folders: Mapping[str, Path], vocabulary_rows: int, *,
    tied: bool = True,
) -> Models:  # fmt: skip
    """Every model that the objective asks for, the student first, and the objective's parts.

    Draws from torch's global generator. `folders`: name of an input -> its folder. `tied`: whether the student's output matrix
    is that of its embeddings. Raises InputError for a checkpoint that
    does not fit.
    """
    objective, architecture, options = objective_of(config), architecture_of(config), config.options
    attention = SCORES if objective.reads_scores else config.attention
    spec = ModelSpec(vocabulary_rows, info.pad_id, info.cls_id, info.sep_id, config.max_length, attention)
    roles = objective.models(options)
    ordered = {STUDENT: roles[STUDENT]} | dict(roles)
    trained = {
        role: architecture.build(
            wanted.sizes(options, config.sizes), replace(spec, tied=tied or role != STUDENT), wanted.heads
        )
        for role, wanted in ordered.items()
        if not wanted.checkpoint
    }
    frozen = {
        role: frozen_model(folders[wanted.checkpoint], wanted, spec)
        for role, wanted in roles.items()
        if wanted.checkpoint
    }
    models = Models(trained, frozen)
    for role, wanted in roles.items():
        if wanted.begins_as:
            begin_as(models[role], models[wanted.begins_as], architecture.layers)
    objective.share(options, models)
    models.parts.update(objective.parts(options, models, info))
    return models


def require_start(config: PretrainConfig, start: Path, files: Sequence[str]) -> None:
    """Raises InputError, before any text is read, for a checkpoint from which this recipe cannot continue. The model is built
    on the meta device, where it takes no memory. `files`: names of the checkpoint's files; of these, only config.json is read.
    """
    content, architecture = read_config(start), architecture_of(config)
    pad_id = content.get("pad_token_id") or 0
    spec = ModelSpec(int(content.get("vocab_size") or 1), int(pad_id), 2, 3, config.max_length, "eager")
    with torch.device("meta"):
        model: Any = architecture.build(config.sizes, spec, objective_of(config).heads(config.options))
    require_checkpoint(start, model.transformer.config, architecture.weights, files)


def layers_of(models: Models, architecture: Architecture) -> list[nn.Module]:
    """The layers of every trained model. Raises ValueError if one names none."""
    return [layer for model in models.roles.values() for layer in require_layers(architecture, model)]
