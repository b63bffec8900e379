"""KorSTS: Spearman's rank correlation (Ham et al. 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import pearson
from klue_eval.metrics.metric import Metrics
from klue_eval.metrics.row_values import RowValues, numbers


def official(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`spearman`: rho times 100 (-100 to 100). Equals `scipy.stats.spearmanr`; 0 if one side is constant."""
    return {"spearman": pearson(ranks(predictions), ranks([row["score"] for row in rows]))}


def by_row(predictions: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    return {"spearman": numbers("spearman", predictions, [row["score"] for row in rows])}


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1. Equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        stop = start
        while stop < len(order) and values[order[stop]] == values[order[start]]:
            stop += 1
        for place in order[start:stop]:
            found[place] = (start + 1 + stop) / 2
        start = stop
    return found


METRICS = Metrics(("spearman",), official, official, by_row)
