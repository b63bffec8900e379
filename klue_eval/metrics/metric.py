"""The contract of a task's metrics: arithmetic on predictions and labelled rows, without a model or files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from klue_eval.metrics.row_values import ByRow
from kobert_pipeline.ground.errors import WrongValue

Arithmetic = Callable[[Sequence[Any], Sequence[Mapping[str, Any]]], dict[str, float]]
"""One prediction for each row, the rows with their labels -> name of the metric -> score, 0 to 100.
Raises ValueError unless there is exactly one prediction for each row, and if one does not have the task's form."""


@dataclass(frozen=True)
class Metrics:
    names: tuple[str, ...]
    """Keys of both results, in the order of the published tables."""
    official: Arithmetic
    """As KLUE's released code computes it: comparable with published scores."""
    corrected: Arithmetic
    """What the name of the metric says. The same function as `official` if that is right."""
    by_row: ByRow | None = None
    """What each row adds to the official scores. A metric that it leaves out has no interval and no p."""


def check_rows(predictions: Sized, rows: Sized) -> None:
    """Raises ValueError unless every row has one prediction and there is at least one row."""
    if len(predictions) != len(rows) or not len(rows):
        raise WrongValue(
            "{predictions} predictions for {rows} rows; each row needs exactly one",
            predictions=len(predictions),
            rows=len(rows),
        )


def row_name(row: Mapping[str, Any], number: int) -> str:
    """The name of a row in an error: its guid, otherwise its number, counted from 1."""
    return str(row.get("guid", f"row {number + 1}"))
