"""Outputs of a model that diverged: they are counted, and read as 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from klue_eval.values import Answer, Values


def is_finite(values: Values) -> bool:
    return all(bool(np.isfinite(array).all()) for array in values.values())


def all_usable(answers: Sequence[Sequence[Answer]]) -> list[list[Answer]]:
    """The answers of all rows, with 0 for what is not finite."""
    return [[Answer(answer.example, _usable(answer.values)) for answer in row] for row in answers]


def _usable(values: Values) -> Values:
    return {name: np.where(np.isfinite(array), array, 0) for name, array in values.items()}
