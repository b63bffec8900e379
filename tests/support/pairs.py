"""Every pair of an objective and an architecture that fit, and tiny models of them."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TEACHER, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.models import Models, build_models

TINY = {"layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 128, "dropout": 0.0}


def known_sizes(architecture: str, sizes: Mapping[str, Any] = TINY) -> dict[str, Any]:
    """Those of `sizes` that the architecture has."""
    known = ARCHITECTURES[architecture].sizes.model_fields
    return {name: value for name, value in sizes.items() if name in known}


def config_of_pair(
    objective: str, architecture: str, sizes: Mapping[str, Any] = TINY, *, length: int = 48, **options: Any
) -> PretrainConfig:
    """Raises RecipeError for a pair that does not fit."""
    settings: dict[str, Any] = {"attention": options.pop("attention", "auto")}
    return PretrainConfig.parse(
        {
            "objective": {"name": objective} | options,
            "architecture": {"name": architecture} | known_sizes(architecture, sizes),
            "phases": [{"max_length": length, "batch_size": 8}],
            "max_steps": 1,
        }
        | settings
    )


def fits(objective: str, architecture: str) -> bool:
    try:
        config_of_pair(objective, architecture)
    except RecipeError:
        return False
    return True


PAIRS = [
    (objective, architecture)
    for objective in OBJECTIVES
    for architecture in ARCHITECTURES
    if fits(objective, architecture)
]

ARCHITECTURE_OF = dict(reversed(PAIRS))
"""Objective -> the first architecture that fits it."""
OBJECTIVE_OF = {architecture: objective for objective, architecture in reversed(PAIRS)}
"""Architecture -> the first objective that fits it."""


def _cover() -> set[tuple[str, str]]:
    """As few pairs as hold every objective and every architecture: the last architecture that fits an objective, and the first
    objective that fits an architecture."""
    of_objectives = dict(PAIRS)
    seen = set(of_objectives.values())
    return set(of_objectives.items()) | {(OBJECTIVE_OF[name], name) for name in OBJECTIVE_OF if name not in seen}


COVER = _cover()
COVERING_FIRST = [pytest.param(*pair, marks=[] if pair in COVER else pytest.mark.system) for pair in PAIRS]
"""Every pair; those that are not needed to cover both tables are for the system tests."""


def tiny_models(config: PretrainConfig, info: TokenizerInfo) -> Models:
    """The models of the pair, always the same."""
    torch.manual_seed(0)
    architecture, taught = config.architecture["name"], has_teacher(config.objective["name"])
    positions = config.architecture.get("positions", TINY["positions"])
    folders = {TEACHER: teacher_folder(architecture, info.vocab_size, positions)} if taught else {}
    return build_models(config, info, folders, info.vocab_size)


# --- teachers ---------------------------------------------------------------------------------------------------------


def has_teacher(objective: str) -> bool:
    return objective in OBJECTIVES and TEACHER in OBJECTIVES[objective].options.model_fields


def with_teacher(config: PretrainConfig, vocabulary: int) -> PretrainConfig:
    """The same, with the teacher that its objective needs."""
    if not has_teacher(config.objective["name"]):
        return config
    folder = str(teacher_folder(config.architecture["name"], vocabulary))
    return config.model_copy(update={"objective": config.objective | {TEACHER: folder}})


@functools.cache
def teacher_folder(architecture: str, vocabulary: int, positions: int = 128) -> Path:
    """An untrained model that fills masks, of twice as many layers, as a run exports it."""
    sizes = TINY | {"layers": 2 * TINY["layers"], "positions": positions}
    spec = ModelSpec(vocabulary, 0, 2, 3, 48, "eager")
    torch.manual_seed(1)
    folder = Path(tempfile.mkdtemp(prefix="teacher-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    row = ARCHITECTURES[architecture]
    model = row.build(row.sizes.parse(known_sizes(architecture, sizes)), spec, ("tokens",))
    row.export({"student": model}, folder)
    return folder / "model"
