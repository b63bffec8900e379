"""What each row adds to a score: the form in which rows can be drawn again, as the bootstrap does (`klue_eval.bootstrap`).

A metric is a function of sums over rows, or of the ranks of two columns. `KINDS` says how a kind becomes a score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["mean", "pooled_f1", "macro_f1", "macro_f1_of_all", "pearson", "spearman"]
Pairs: TypeAlias = Iterable[tuple[Hashable, Hashable]]
"""(predicted, actual) of one row: one pair, or one for each of its parts."""


class RowValues(NamedTuple):
    """The columns of all rows, by kind:

    * `mean`: the sum of the row's parts (0 to 100 each), and their number;
    * `pooled_f1`: hits, predicted and actual;
    * `macro_f1`: the hits of each class, then the predicted, then the actual. Classes that occur on neither side are left out;
    * `macro_f1_of_all`: the same, but such a class scores 100;
    * `pearson`, `spearman`: prediction and label.
    """

    kind: Kind
    rows: list[Sequence[float]]


ByRow: TypeAlias = Callable[[Sequence[Any], Sequence[Mapping[str, Any]]], Mapping[str, RowValues]]
"""One prediction for each row, the rows -> metric -> what each row adds to its official score."""


def mean_of(parts: Iterable[Sequence[float]]) -> RowValues:
    """`parts`: for each row, the points of its parts."""
    return RowValues("mean", [(sum(points), len(points)) for points in parts])


def accuracy_of(predictions: Iterable[Hashable], labels: Iterable[Hashable]) -> RowValues:
    """One label for each row."""
    return mean_of([100.0 * (prediction == label)] for prediction, label in zip(predictions, labels, strict=True))


def numbers(kind: Kind, predictions: Iterable[float], labels: Iterable[float]) -> RowValues:
    """`kind`: `pearson` or `spearman`."""
    return RowValues(kind, [(float(pair[0]), float(pair[1])) for pair in zip(predictions, labels, strict=True)])


def pooled_f1_of(rows: Iterable[Pairs], ignored: Hashable) -> RowValues:
    """Hits and labels of all classes together, except one: F1 of True if that is False."""
    return RowValues("pooled_f1", [_pooled(list(pairs), ignored) for pairs in rows])


def _pooled(pairs: Sequence[tuple[Hashable, Hashable]], ignored: Hashable) -> tuple[int, int, int]:
    hits = sum(predicted == actual != ignored for predicted, actual in pairs)
    return hits, *(sum(pair[side] != ignored for pair in pairs) for side in (0, 1))  # type: ignore[return-value]


def class_f1_of(rows: Iterable[Pairs], classes: Sequence[Hashable] = (), kind: Kind = "macro_f1") -> RowValues:
    """`classes`: those that count; without them, all that occur."""
    pairs = [list(row) for row in rows]
    known = classes or list(dict.fromkeys(label for row in pairs for pair in row for label in pair))
    return counted(
        known,
        (
            (Counter(one for one, other in row if one == other), *(Counter(side) for side in zip(*row, strict=True)))
            if row
            else (Counter(),) * 3
            for row in pairs
        ),
        kind,
    )


def entity_f1_of(sides: Iterable[tuple[set[Any], set[Any]]], kind: Kind = "macro_f1") -> RowValues:
    """`sides`: the entities of each row, predicted and actual, as tuples that end with their type."""
    rows = [(guessed & known, guessed, known) for guessed, known in sides]
    types = sorted({entity[-1] for row in rows for side in row for entity in side})
    return counted(types, ([Counter(entity[-1] for entity in side) for side in row] for row in rows), kind)


def counted(classes: Sequence[Hashable], rows: Iterable[Sequence[Counter[Any]]], kind: Kind) -> RowValues:
    """`rows`: for each row, how often each class is hit, predicted and actual."""
    return RowValues(kind, [[counter[name] for counter in row for name in classes] for row in rows])
