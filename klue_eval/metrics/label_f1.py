"""Macro F1 and accuracy of one label for each row, in the field `label`: the metrics of KoBEST and of a user's own labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import accuracy, macro_f1
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, accuracy_of, class_f1_of


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`macro_f1`: the mean of the labels' F1, in which a rare label counts as much as a common one. `accuracy`: share of right
    rows."""
    labels = [row["label"] for row in rows]
    return {"macro_f1": macro_f1(predictions, labels), "accuracy": accuracy(predictions, labels)}


def by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    labels = [row["label"] for row in rows]
    pairs = ([pair] for pair in zip(predictions, labels, strict=True))
    return {"macro_f1": class_f1_of(pairs), "accuracy": accuracy_of(predictions, labels)}


METRICS = Metrics(("macro_f1", "accuracy"), official, official, by_row)
