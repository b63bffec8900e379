"""What a fine-tuning run reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from klue_eval.values import Row


@dataclass(frozen=True)
class PerturbedOutcome:
    """What the last checkpoint predicts of the scored rows with an error."""

    rows: Sequence[Row]
    predictions: list[Any]
    official_predictions: list[Any] | None
    unchanged: int
    """Rows in which the error found nothing to change."""
    unknown_share: float
    """[UNK] among the tokens of the rows."""


@dataclass(frozen=True)
class Outcome:
    predictions: list[Any]
    """Predictions of the last checkpoint, one for each scored row."""
    official_predictions: list[Any] | None
    """Predictions of the task's official decoding, if it has one."""
    curve: list[dict[str, Any]]
    """`step` and official `metrics` of every scoring. The last one belongs to `predictions`."""
    steps: int
    """Steps that were taken: fewer than planned if the run stopped early."""
    truncated: dict[str, int]
    """Split -> number of rows of which the model reads only a part."""
    unread: dict[str, int]
    """Split -> number of rows with an eojeol from which the tokenizer makes no token."""
    unknown_share: dict[str, float]
    """Split -> [UNK] among the tokens of its rows."""
    not_finite: int
    """Number of scored rows with an output that is not finite: the run diverged."""
    precision: str
    rows_per_second: float
    """Training examples per second, without the time for loading, tokenizing and scoring."""
    perturbed: Mapping[str, PerturbedOutcome]
    """By the name of the error."""
    calibration: dict[str, float] = field(default_factory=dict)
    """`ece`, `confidence` and `accuracy` of the last checkpoint; empty unless the task is a classification."""
    scored_rows_per_second: float = 0.0
    """Rows that the model reads and the task decodes in a second."""
