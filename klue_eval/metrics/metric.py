"""What a task's metrics are: arithmetic on predictions and labelled rows, with no model and no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

Arithmetic = Callable[[Sequence[Any], Sequence[Mapping[str, Any]]], dict[str, float]]
"""One prediction per row, the rows with their labels -> name of the metric -> score, 0 to 100.
Raises ValueError where there is not exactly one prediction a row, or where one is not of the task's form."""


@dataclass(frozen=True)
class Metrics:
    names: tuple[str, ...]
    """Keys of both results, in the order of the published tables."""
    official: Arithmetic
    """As the released baseline computes it: what can be put beside a published score."""
    corrected: Arithmetic
    """As its name says. The same function as `official` where the official one is right."""


def check_rows(predictions: Sized, rows: Sized) -> None:
    """Raises ValueError unless every row has one prediction, and there are rows at all."""
    if len(predictions) != len(rows) or not len(rows):
        raise ValueError(f"{len(predictions)} predictions for {len(rows)} rows; each row needs exactly one")


def row_name(row: Mapping[str, Any], number: int) -> str:
    """What an error calls a row: its guid, else its place, counted from 1."""
    return str(row.get("guid", f"row {number + 1}"))
