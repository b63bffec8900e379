"""The scores that several tasks share, on plain sequences. All are 0 to 100; a length mismatch is a ValueError."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Hashable, Sequence


def accuracy(predictions: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Share of equal pairs. Equals `sklearn.metrics.accuracy_score`."""
    _check_lengths(predictions, labels)
    return 100 * sum(bool(same) for same in map(operator.eq, predictions, labels)) / len(labels)


def macro_f1(predictions: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Mean F1 of the classes that occur in either sequence. Equals `sklearn.metrics.f1_score(average="macro")`."""
    _check_lengths(predictions, labels)
    predicted, actual = Counter(predictions), Counter(labels)
    hits = Counter(label for prediction, label in zip(predictions, labels, strict=True) if prediction == label)
    classes = predicted.keys() | actual.keys()
    return 100 * math.fsum(2 * hits[name] / (predicted[name] + actual[name]) for name in classes) / len(classes)


def binary_f1(predictions: Sequence[bool], labels: Sequence[bool]) -> float:
    """F1 of the class True; 0 where neither sequence holds it. Equals `sklearn.metrics.f1_score(average="binary")`."""
    _check_lengths(predictions, labels)
    hits = sum(prediction and label for prediction, label in zip(predictions, labels, strict=True))
    marked = sum(map(bool, predictions)) + sum(map(bool, labels))
    return 100 * 2 * hits / marked if marked else 0.0


def pearson(predictions: Sequence[float], labels: Sequence[float]) -> float:
    """Pearson's r times 100 (-100 to 100). Equals `scipy.stats.pearsonr`, which says nan where one side is constant: 0 here."""
    _check_lengths(predictions, labels)
    x, y = _centred(predictions), _centred(labels)
    scale = math.hypot(*x) * math.hypot(*y)
    return 100 * max(-1.0, min(1.0, math.fsum(map(operator.mul, x, y)) / scale)) if scale else 0.0


def _centred(values: Sequence[float]) -> list[float]:
    mean = math.fsum(values) / len(values)
    return [value - mean for value in values]


def _check_lengths(predictions: Sequence[object], labels: Sequence[object]) -> None:
    if len(predictions) != len(labels) or not labels:
        raise ValueError(f"{len(predictions)} predictions for {len(labels)} labels; each row needs exactly one")
