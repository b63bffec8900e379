"""Accuracy of one label a row, under the row's `label`: what NSMC, KorNLI and PAWS-X are scored by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.contract import Metrics
from klue_eval.metrics.scores import accuracy as share_correct


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`accuracy`: share of rows given their gold label."""
    return {"accuracy": share_correct(predictions, [row["label"] for row in rows])}


METRICS = Metrics(("accuracy",), official, corrected=official)
