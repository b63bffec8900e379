"""MRC: exact match and overlap of characters (Park et al. 2021, section 3.7).

A prediction is the answer as a string. The empty string says that the context has no answer.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from klue_eval.metrics.arithmetic import mean
from klue_eval.metrics.metric import Metrics, check_rows
from klue_eval.metrics.row_values import RowValues, mean_of

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_QUOTES = re.compile("[《》〈〉「」『』‘’“”]")


def official(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`exact_match` and `rouge_w`, each the maximum over the gold answers, as KLUE's released code computes them:

    * what it calls ROUGE-W is the F1 of the longest common **substring** of characters. The real ROUGE-W is weighted
      over a common subsequence;
    * it uses difflib's longest match, which ignores characters that are common in the gold answer if the answer has 200
      characters or more (difflib's "popular" heuristic);
    * normalisation lowers the case, removes ASCII punctuation and squeezes spaces. A pattern that should remove Korean
      quotation marks never matches (its bracket closes too early), so 《》 and ‘’ count as part of an answer.
    """
    return _scores(predictions, rows, normalise_officially, _longest_match)


def by_row(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    exact, overlaps = _points(predictions, rows, normalise_officially, _longest_match)
    return {"exact_match": mean_of([points] for points in exact), "rouge_w": mean_of([points] for points in overlaps)}


def corrected(predictions: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The same, but without Korean quotation marks, and `rouge_w` is the longest common substring at any length."""
    return _scores(predictions, rows, normalise, _longest_common_substring)


def normalise_officially(answer: str) -> str:
    return " ".join(answer.lower().translate(_ASCII_PUNCTUATION).split())


def normalise(answer: str) -> str:
    return normalise_officially(_QUOTES.sub("", answer))


def overlap(answer: str, gold: str, matched: Callable[[str, str], int]) -> float:
    """F1 of the characters in the longest match, 0 to 1. Only an empty answer matches an empty gold answer."""
    if not gold:
        return float(not answer)
    return 2 * matched(answer, gold) / (len(answer) + len(gold))


def _longest_match(answer: str, gold: str) -> int:
    return SequenceMatcher(None, answer, gold).find_longest_match(0, len(answer), 0, len(gold)).size


def _longest_common_substring(answer: str, gold: str) -> int:
    return SequenceMatcher(None, answer, gold, autojunk=False).find_longest_match().size


def _scores(
    predictions: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    normalised: Callable[[str], str],
    matched: Callable[[str, str], int],
) -> dict[str, float]:
    exact, overlaps = _points(predictions, rows, normalised, matched)
    return {"exact_match": mean(exact), "rouge_w": mean(overlaps)}


def _points(
    predictions: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    normalised: Callable[[str], str],
    matched: Callable[[str, str], int],
) -> tuple[list[float], list[float]]:
    """Exact match and overlap of each row, 0 to 100."""
    check_rows(predictions, rows)
    exact, overlaps = [], []
    for prediction, row in zip(predictions, rows, strict=True):
        answer = normalised(prediction)
        gold = [normalised(text) for text in gold_texts(row)]
        exact.append(100.0 * (answer in gold))
        overlaps.append(100.0 * max(overlap(answer, text, matched) for text in gold))
    return exact, overlaps


def gold_texts(row: Mapping[str, Any]) -> list[str]:
    """Returns the gold answers; only the empty string if the question has none."""
    return [answer["text"] for answer in row["answers"]] or [""]


METRICS = Metrics(("exact_match", "rouge_w"), official, corrected, by_row)
