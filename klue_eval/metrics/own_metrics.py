"""The scores of a user's own task, by its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import label_f1, naver_ner_metrics
from klue_eval.metrics.arithmetic import pearson
from klue_eval.metrics.korsts_metrics import ranks
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, numbers


def regression(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`pearson` and `spearman`, times 100 (-100 to 100)."""
    numbers = [row["label"] for row in rows]
    return {"pearson": pearson(predictions, numbers), "spearman": pearson(ranks(predictions), ranks(numbers))}


def numbers_by_row(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    labels = [row["label"] for row in rows]
    return {
        "pearson": numbers("pearson", predictions, labels),
        "spearman": numbers("spearman", predictions, labels),
    }


CLASSIFICATION = label_f1.METRICS
REGRESSION = Metrics(("pearson", "spearman"), regression, regression, numbers_by_row)
TAGGING = naver_ner_metrics.METRICS
"""F1 of entities, micro, as seqeval counts them."""
