"""KorQuAD 1.0: exact match and F1 of characters (Lim et al. 2019, section 4)."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import f1, mean
from klue_eval.metrics.metric import Metrics, check_rows

_MARKS = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`exact_match` and `f1`, each the maximum over the gold answers. Spaces count for the first only."""
    check_rows(predictions, rows)
    exact, overlaps = [], []
    for prediction, row in zip(predictions, rows, strict=True):
        answer, gold = normalise(prediction), [normalise(found["text"]) for found in row["answers"]]
        exact.append(100.0 * (answer in gold))
        overlaps.append(max(character_f1(answer, text) for text in gold))
    return {"exact_match": mean(exact), "f1": mean(overlaps)}


def normalise(answer: str) -> str:
    """Quotation marks and brackets become spaces, other ASCII punctuation goes, spaces are squeezed, case is lowered."""
    return " ".join(answer.translate(_MARKS).lower().translate(_PUNCTUATION).split())


def character_f1(answer: str, gold: str) -> float:
    """0 to 100, over the bags of characters that are no space."""
    said, known = (Counter(text.replace(" ", "")) for text in (answer, gold))
    return f1((said & known).total(), said.total(), known.total())


METRICS = Metrics(("exact_match", "f1"), official, corrected=official)
