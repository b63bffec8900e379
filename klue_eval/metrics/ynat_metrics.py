"""YNAT: macro F1 over the seven topics (Park et al. 2021, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import macro_f1
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, class_f1_of


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`macro_f1`: the mean of the topics' F1. A rare topic counts as much as a common one."""
    return {"macro_f1": macro_f1(predictions, [row["label"] for row in rows])}


def by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    return {"macro_f1": class_f1_of([(guess, row["label"])] for guess, row in zip(predictions, rows, strict=True))}


METRICS = Metrics(("macro_f1",), official, official, by_row)
