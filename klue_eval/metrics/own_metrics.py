"""The scores of a user's own task, by its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import naver_ner_metrics
from klue_eval.metrics.arithmetic import accuracy, macro_f1, pearson
from klue_eval.metrics.korsts_metrics import ranks
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, accuracy_of, class_f1_of, numbers


def classification(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`macro_f1`: the mean of the labels' F1, in which a rare label counts as much as a common one. `accuracy`: share of right
    rows."""
    labels = [row["label"] for row in rows]
    return {"macro_f1": macro_f1(predictions, labels), "accuracy": accuracy(predictions, labels)}


def regression(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`pearson` and `spearman`, times 100 (-100 to 100)."""
    numbers = [row["label"] for row in rows]
    return {"pearson": pearson(predictions, numbers), "spearman": pearson(ranks(predictions), ranks(numbers))}


def labels_by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    labels = [row["label"] for row in rows]
    pairs = ([pair] for pair in zip(predictions, labels, strict=True))
    return {"macro_f1": class_f1_of(pairs), "accuracy": accuracy_of(predictions, labels)}


def numbers_by_row(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    labels = [row["label"] for row in rows]
    return {
        "pearson": numbers("pearson", predictions, labels),
        "spearman": numbers("spearman", predictions, labels),
    }


CLASSIFICATION = Metrics(("macro_f1", "accuracy"), classification, classification, labels_by_row)
REGRESSION = Metrics(("pearson", "spearman"), regression, regression, numbers_by_row)
TAGGING = naver_ner_metrics.METRICS
"""F1 of entities, micro, as seqeval counts them."""
