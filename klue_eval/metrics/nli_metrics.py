"""NLI: accuracy (Park et al. 2021, section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import accuracy as share_correct
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, accuracy_of


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`accuracy`: share of pairs with the gold label."""
    return {"accuracy": share_correct(predictions, [row["gold_label"] for row in rows])}


def by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    return {"accuracy": accuracy_of(predictions, [row["gold_label"] for row in rows])}


METRICS = Metrics(("accuracy",), official, official, by_row)
