"""A frozen model of a run, such as a teacher: what is checked of its checkpoint, how it is built, how a student begins as it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import Architecture, Layers, ModelSpec
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import STUDENT, Role
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.start import is_tied, load_weights, read_config, require_safetensors, vocabulary_rows
from kobert_pipeline.training.positions import positions

DEPTH = ("layers", "groups")
"""Sizes in which a student differs from the model that it begins as."""


def setting_of(name: str) -> str:
    """Where a recipe names the checkpoint of an input."""
    return f"pretrain.objective.{name}"


def require_frozen(config: PretrainConfig, name: str, folder: Path, files: Sequence[str]) -> None:
    """Raises InputError, before any text is read, for a checkpoint that is not the frozen model of this recipe. `name`: of the
    input; `files`: names of the checkpoint's files, of which only config.json is read."""
    objective, setting = OBJECTIVES[config.objective["name"]], setting_of(name)
    place = f"{setting}: {getattr(config.options, name, folder.name)}"  # as the recipe calls it
    require_safetensors(folder, files, setting)
    roles = objective.models(config.options)
    for role, wanted in roles.items():
        if wanted.checkpoint == name:
            architecture = _architecture(folder, wanted, place)
            sizes = _sizes(folder, architecture)
            _require_length(config, sizes, place)
            if objective.reads_scores and not architecture.shows_scores:
                raise InputError(
                    "{place}: a {architecture} does not show its attention scores",
                    place=place,
                    architecture=architecture.name,
                )
            if problem := objective.teacher_problem(config.options, config.sizes, sizes):
                raise InputError("{place}: {problem}", place=place, problem=problem)
            if roles[STUDENT].begins_as == role:
                _require_same_widths(config, architecture, sizes, place)


def _require_length(config: PretrainConfig, sizes: Any, place: str) -> None:
    longest = getattr(sizes, "positions", None)
    if longest is not None and config.max_length > longest:
        raise InputError(
            "{place}: has {longest} positions, and the examples of this recipe have up to {max_length} tokens. Lower phases.max_length, or name another model.",
            place=place,
            longest=longest,
            max_length=config.max_length,
        )


def _require_same_widths(config: PretrainConfig, architecture: Architecture, sizes: Any, place: str) -> None:
    """Raises InputError unless a student can begin with some of the layers."""
    otherwise = say("or set pretrain.objective.start: random")
    if architecture.name != config.architecture["name"]:
        raise InputError(
            "{place}: the student, a {student}, cannot begin with the layers of a {architecture}. Set pretrain.architecture to that, {otherwise}.",
            place=place,
            student=config.architecture["name"],
            architecture=architecture.name,
            otherwise=otherwise,
        )
    ours, theirs = config.sizes, sizes
    apart = [
        name
        for name in type(ours).model_fields
        if name not in (*DEPTH, "dropout") and getattr(ours, name) != getattr(theirs, name)
    ]
    if apart:
        had, given = (", ".join(f"{name} {getattr(each, name)}" for name in apart) for each in (theirs, ours))
        raise InputError(
            "{place}: has {had}; set pretrain.architecture to that (given: {given}), {otherwise}.",
            place=place,
            had=had,
            given=given,
            otherwise=otherwise,
        )
    deep, layers = theirs.layers, ours.layers  # type: ignore[attr-defined]
    if layers >= deep:
        raise InputError(
            "{place}: has {theirs} layers, and the student {ours}: it would begin as its teacher. Set pretrain.architecture.layers to fewer, {otherwise}.",
            place=place,
            theirs=deep,
            ours=layers,
            otherwise=otherwise,
        )


def _architecture(folder: Path, role: Role, place: str) -> Architecture:
    """The architecture that the folder names. Raises InputError for an unknown one, and for one without the role's heads."""
    kind = read_config(folder).get("model_type")
    known = {architecture.weights.model_type: architecture for architecture in ARCHITECTURES.values()}
    if kind not in known:
        raise InputError(
            "{place}: a {kind}; known architectures: {known}", place=place, kind=kind, known=", ".join(sorted(known))
        )
    missing = [head for head in role.heads if head not in known[kind].heads]
    if missing:
        raise InputError(
            "{place}: architecture {architecture!r} does not provide the head {missing!r}",
            place=place,
            architecture=known[kind].name,
            missing=missing[0],
        )
    return known[kind]


def _sizes(folder: Path, architecture: Architecture) -> Any:
    """The sizes of a checkpoint, as a recipe would give them, without dropout."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    values = {name: getattr(config, field) for field, name in architecture.weights.sizes.items()}
    extra = {"positions": positions(config), "dropout": 0.0}
    known = architecture.sizes.model_fields
    return architecture.sizes.parse(values | {name: value for name, value in extra.items() if name in known})


def frozen_model(folder: Path, role: Role, spec: ModelSpec) -> nn.Module:
    """A model with the weights of a checkpoint, in the architecture that its folder names."""
    content, setting = read_config(folder), setting_of(role.checkpoint)
    architecture = _architecture(folder, role, f"{setting}: {folder.name}")
    given = ModelSpec(
        int(content["vocab_size"]), spec.pad_id, spec.cls_id, spec.sep_id, spec.max_length, spec.attention,
        is_tied(folder),
    )  # fmt: skip
    model = architecture.build(_sizes(folder, architecture), given, role.heads)
    load_weights(model, folder, architecture.weights, role.heads, setting)
    return model


def student_rows(start: Path | None, folders: Mapping[str, Path], tokenizer: Path, entries: int) -> int:
    """Rows of the student's embeddings: those of the checkpoint in `start`, or of a frozen model in `folders`. Both may have more than
    the tokenizer's vocabulary has `entries`.

    Raises InputError for a frozen model with another vocabulary, or with another number of rows than the checkpoint from which
    the student continues.
    """
    rows = vocabulary_rows(start, tokenizer, entries)
    for name, folder in folders.items():
        theirs = vocabulary_rows(folder, tokenizer, entries, setting_of(name))
        if theirs != rows and start is not None:
            raise InputError(
                "{setting}: has {theirs:,} rows of embeddings, and pretrain.continue_from {rows:,}",
                setting=setting_of(name),
                theirs=theirs,
                rows=rows,
            )
        rows = theirs
    return rows


@torch.no_grad()
def begin_as(student: Any, teacher: Any, layers: Layers) -> None:
    """Gives the student the teacher's embeddings, heads and evenly chosen layers: of twice as many, the first, the third, … (Sanh et
    al. 2019, section 2). Both have the same widths."""
    own, theirs = list(layers(student)), list(layers(teacher))
    for number, layer in enumerate(own):
        layer.load_state_dict(theirs[number * len(theirs) // len(own)].state_dict())
    inside = {id(tensor) for layer in own for tensor in layer.state_dict(keep_vars=True).values()}
    known = teacher.transformer.state_dict()
    for name, tensor in student.transformer.state_dict(keep_vars=True).items():
        if id(tensor) not in inside:
            tensor.copy_(known[name])
