"""The scores that several tasks share, on plain sequences. All are 0 to 100. Different lengths raise ValueError."""

from __future__ import annotations

import itertools
import math
import operator
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence

from kobert_pipeline.ground.errors import WrongValue


def accuracy(predictions: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Share of equal pairs. Equals `sklearn.metrics.accuracy_score`."""
    _check_lengths(predictions, labels)
    return 100 * sum(bool(same) for same in map(operator.eq, predictions, labels)) / len(labels)


def macro_f1(predictions: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Mean F1 of the classes that occur in either sequence. Equals `sklearn.metrics.f1_score(average="macro")`."""
    _check_lengths(predictions, labels)
    return mean(class_f1(predictions, labels).values())


def class_f1(predictions: Sequence[Hashable], labels: Sequence[Hashable]) -> dict[Hashable, float]:
    """Class -> its F1, for the classes that occur in either sequence: 2 hits / (predicted + actual)."""
    predicted, actual = Counter(predictions), Counter(labels)
    hits = Counter(label for prediction, label in zip(predictions, labels, strict=True) if prediction == label)
    return {name: f1(hits[name], predicted[name], actual[name]) for name in predicted.keys() | actual.keys()}


def micro_f1(predictions: Sequence[Hashable], labels: Sequence[Hashable], ignored: Collection[Hashable] = ()) -> float:
    """F1 of all classes except the ignored ones, counted together; 0 if none of them occurs.

    Equals `sklearn.metrics.f1_score(average="micro", labels=the others)`.
    """
    _check_lengths(predictions, labels)
    pairs = list(zip(predictions, labels, strict=True))
    hits = sum(prediction == label for prediction, label in pairs if label not in ignored)
    return f1(hits, *(sum(value not in ignored for value in side) for side in (predictions, labels)))


def binary_f1(predictions: Sequence[bool], labels: Sequence[bool]) -> float:
    """F1 of the class True; 0 if neither sequence has it. Equals `sklearn.metrics.f1_score(average="binary")`."""
    _check_lengths(predictions, labels)
    hits = sum(prediction and label for prediction, label in zip(predictions, labels, strict=True))
    return f1(hits, sum(map(bool, predictions)), sum(map(bool, labels)))


def f1(hits: int, predicted: int, actual: int) -> float:
    """The harmonic mean of hits / predicted and hits / actual, times 100; 0 if both counts are 0."""
    return 100 * 2 * hits / (predicted + actual) if predicted + actual else 0.0


def average_precision_area(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Area under the precision–recall curve by the trapezoid rule, times 100.

    Equals `sklearn.metrics.auc` of its `precision_recall_curve`, point by point: rows with equal scores are one point,
    and the curve starts at recall 0 with precision 1. As in scikit-learn, a class without a positive row has recall 1
    at every threshold, so that its area is 50.
    """
    _check_lengths(scores, positive)
    hits, seen, points = 0, 0, [(0.0, 1.0)]
    total = sum(map(bool, positive))
    ranked = sorted(zip(scores, positive, strict=True), key=lambda pair: -pair[0])
    for place, (score, hit) in enumerate(ranked):
        hits, seen = hits + bool(hit), seen + 1
        if place + 1 == len(ranked) or ranked[place + 1][0] != score:
            points.append((hits / total if total else 1.0, hits / seen))
    areas = ((x - before) * (y + height) / 2 for (before, height), (x, y) in itertools.pairwise(points))
    return 100 * math.fsum(areas)


def pearson(predictions: Sequence[float], labels: Sequence[float]) -> float:
    """Pearson's r times 100 (-100 to 100). Equals `scipy.stats.pearsonr`, but 0, not nan, if one side is constant."""
    _check_lengths(predictions, labels)
    x, y = _centred(predictions), _centred(labels)
    scale = math.hypot(*x) * math.hypot(*y)
    return 100 * max(-1.0, min(1.0, math.fsum(map(operator.mul, x, y)) / scale)) if scale else 0.0


def mean(values: Iterable[float]) -> float:
    """The mean of at least one value, from an exact sum."""
    known = list(values)
    return math.fsum(known) / len(known)


def _centred(values: Sequence[float]) -> list[float]:
    middle = mean(values)
    return [value - middle for value in values]


def _check_lengths(predictions: Sequence[object], labels: Sequence[object]) -> None:
    if len(predictions) != len(labels) or not labels:
        raise WrongValue(
            "{predictions} predictions for {labels} labels; each row needs exactly one",
            predictions=len(predictions),
            labels=len(labels),
        )
