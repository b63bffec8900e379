"""Every pair of an objective and an architecture that fit, and tiny models of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TokenizerInfo
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
    return build_models(config, info, {}, info.vocab_size)
