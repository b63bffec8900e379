"""The scores of a user's own task, by its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import naver_ner_metrics
from klue_eval.metrics.arithmetic import accuracy, macro_f1, pearson
from klue_eval.metrics.korsts_metrics import ranks
from klue_eval.metrics.metric import Metrics


def classification(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`macro_f1`: the mean of the labels' F1, in which a rare label counts as much as a common one. `accuracy`: share of right
    rows."""
    labels = [row["label"] for row in rows]
    return {"macro_f1": macro_f1(predictions, labels), "accuracy": accuracy(predictions, labels)}


def regression(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`pearson` and `spearman`, times 100 (-100 to 100)."""
    numbers = [row["label"] for row in rows]
    return {"pearson": pearson(predictions, numbers), "spearman": pearson(ranks(predictions), ranks(numbers))}


CLASSIFICATION = Metrics(("macro_f1", "accuracy"), classification, corrected=classification)
REGRESSION = Metrics(("pearson", "spearman"), regression, corrected=regression)
TAGGING = naver_ner_metrics.METRICS
"""F1 of entities, micro, as seqeval counts them."""
