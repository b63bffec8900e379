"""What a task's metrics are: arithmetic on predictions and labelled rows, with no model and no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Arithmetic = Callable[[Sequence[Any], Sequence[Mapping[str, Any]]], dict[str, float]]
"""One prediction per row, the rows with their labels -> name of the metric -> score, 0 to 100."""


@dataclass(frozen=True)
class Metrics:
    names: tuple[str, ...]
    """Keys of both results, in the order of the published tables."""
    official: Arithmetic
    """As the released baseline computes it: what can be put beside a published score."""
    corrected: Arithmetic
    """As its name says. The same function as `official` where the official one is right."""
