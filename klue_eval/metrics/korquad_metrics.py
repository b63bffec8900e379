"""KorQuAD 1.0: exact match and F1 of characters (Lim et al. 2019, section 4)."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import f1, mean
from klue_eval.metrics.metric import Metrics, check_rows
from klue_eval.metrics.row_values import RowValues, mean_of

_QUOTES_AND_BRACKETS = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`exact_match` and `f1`, each the maximum over the gold answers. Spaces count only for the first."""
    exact, overlaps = _points(predictions, rows)
    return {"exact_match": mean(exact), "f1": mean(overlaps)}


def by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    exact, overlaps = _points(predictions, rows)
    return {"exact_match": mean_of([points] for points in exact), "f1": mean_of([points] for points in overlaps)}


def _points(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """Exact match and F1 of each row, 0 to 100."""
    check_rows(predictions, rows)
    exact, overlaps = [], []
    for prediction, row in zip(predictions, rows, strict=True):
        answer, gold = normalise(prediction), [normalise(found["text"]) for found in row["answers"]]
        exact.append(100.0 * (answer in gold))
        overlaps.append(max(character_f1(answer, text) for text in gold))
    return exact, overlaps


def normalise(answer: str) -> str:
    """Turns quotes and brackets into spaces, removes other ASCII punctuation and extra spaces, lowers the case."""
    return " ".join(answer.translate(_QUOTES_AND_BRACKETS).lower().translate(_PUNCTUATION).split())


def character_f1(answer: str, gold: str) -> float:
    """F1 of the bags of characters without spaces, 0 to 100."""
    given, known = (Counter(text.replace(" ", "")) for text in (answer, gold))
    return f1((given & known).total(), given.total(), known.total())


METRICS = Metrics(("exact_match", "f1"), official, official, by_row)
