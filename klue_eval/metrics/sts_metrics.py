"""STS: Pearson's r and F1 of "means the same" (Park et al. 2021, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import binary_f1, pearson
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, numbers, pooled_f1_of

SIMILAR = 3.0
"""A pair with this similarity (0 to 5) or more counts as a paraphrase, in predictions and in labels."""


def official(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`pearson`: r against `real-label`, times 100. `f1`: binary F1 of similarity >= 3 on both sides."""
    labels = [row["labels"]["real-label"] for row in rows]
    similar = [prediction >= SIMILAR for prediction in predictions]
    return {
        "pearson": pearson(predictions, labels),
        "f1": binary_f1(similar, [label >= SIMILAR for label in labels]),
    }


def by_row(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    labels = [row["labels"]["real-label"] for row in rows]
    similar = [[(one >= SIMILAR, other >= SIMILAR)] for one, other in zip(predictions, labels, strict=True)]
    return {"pearson": numbers("pearson", predictions, labels), "f1": pooled_f1_of(similar, ignored=False)}


METRICS = Metrics(("pearson", "f1"), official, official, by_row)
