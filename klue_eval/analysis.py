"""Where a model errs, from saved predictions: the content of `analysis.json`. Pure, without a model or files.

Scores are the corrected ones of the exact predictions. Every key is always present; null if it does not apply.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from klue_eval.task import KlueTask
from klue_eval.values import Row

VERSION = 1
"""Version of the layout. Raised when a key changes its name or its meaning."""
BUCKETS = 5
"""Number of groups by length, each with about the same number of rows."""
WORST = 20
"""Number of rows that are shown."""

_SOURCE_IN_GUID = re.compile(r"_\d+[-_]([a-z][a-z_]*)$")


def analyse(task: KlueTask, predictions: Sequence[Any], rows: Sequence[Row]) -> dict[str, Any]:
    """One prediction for each row -> `version`, `task`, `rows`, `metrics` (names), `primary_metric`, `scores` and

    * `confusion`: `labels` and `counts[gold][predicted]`, for tasks with one label for each row;
    * `by_length`: `from` and `to` (characters of the row's texts), `rows`, `scores`, shortest first;
    * `by_source`: `source`, `rows`, `scores`, for data that names the source of a row;
    * `worst`: `guid`, `grade` (0 to 100), `texts` (name -> text), `gold`, `prediction`, worst first and at most 20.
    """
    pairs = list(zip(predictions, rows, strict=True))
    return {
        "version": VERSION,
        "task": task.name,
        "rows": len(rows),
        "metrics": list(task.metrics.names),
        "primary_metric": task.primary_metric,
        "scores": _scored(task, pairs)["scores"],
        "confusion": confusion(task, pairs),
        "by_length": by_length(task, pairs),
        "by_source": by_source(task, pairs),
        "worst": worst(task, pairs),
    }


Pair = tuple[Any, Row]
"""A prediction and its row."""


def confusion(task: KlueTask, pairs: Iterable[Pair]) -> dict[str, Any] | None:
    """Counts labels. None for tasks whose rows do not have a single label."""
    if task.head != "classification":
        return None
    counts = [[0] * len(task.labels) for _ in task.labels]
    for prediction, row in pairs:
        counts[task.labels.index(_label(task.gold(row)))][task.labels.index(_label(prediction))] += 1
    return {"labels": list(task.labels), "counts": counts}


def _label(value: Any) -> str:
    """A prediction of RE is the label with probabilities."""
    return value if isinstance(value, str) else str(value[0])


def by_length(task: KlueTask, pairs: Sequence[Pair], buckets: int = BUCKETS) -> list[dict[str, Any]]:
    """Scores groups of rows. Rows of equal length stay together, so there may be fewer than `buckets` groups."""
    lengths = [length_of(task, row) for _, row in pairs]
    ordered = sorted(lengths)
    cuts = sorted({ordered[len(ordered) * place // buckets] for place in range(1, buckets)})
    groups = _grouped(pairs, lambda pair: bisect_right(cuts, length_of(task, pair[1])))
    return [
        {
            "from": min(length_of(task, row) for _, row in group),
            "to": max(length_of(task, row) for _, row in group),
            **_scored(task, group),
        }
        for _, group in sorted(groups.items())
    ]


def length_of(task: KlueTask, row: Row) -> int:
    """Counts the characters of all texts of the row."""
    return sum(map(len, task.show(row).values()))


def by_source(task: KlueTask, pairs: Sequence[Pair]) -> list[dict[str, Any]] | None:
    """Scores each source, in the order of their names. None if a row does not name its source."""
    groups = _grouped(pairs, lambda pair: source_of(pair[1]))
    if None in groups:
        return None
    return [{"source": source, **_scored(task, group)} for source, group in sorted(groups.items())]


def source_of(row: Mapping[str, Any]) -> str | None:
    """Reads the source from its field (RE, MRC) or from the guid (NER, DP): `klue-ner-v1_dev_00000-wikitree`."""
    if row.get("source"):
        return str(row["source"])
    found = _SOURCE_IN_GUID.search(str(row["guid"]))
    return found[1] if found else None


def worst(task: KlueTask, pairs: Sequence[Pair], limit: int = WORST) -> list[dict[str, Any]]:
    """Returns the rows with the lowest grades below 100. Rows of equal grade keep their order."""
    graded = sorted(((grade(task, *pair), number) for number, pair in enumerate(pairs)), key=lambda entry: entry[0])
    return [
        {
            "guid": pairs[number][1]["guid"],
            "grade": round(points, 4),
            "texts": task.show(pairs[number][1]),
            "gold": task.gold(pairs[number][1]),
            "prediction": pairs[number][0],
        }
        for points, number in graded[:limit]
        if points < 100
    ]


def grade(task: KlueTask, prediction: Any, row: Row) -> float:
    """How good one prediction is, 0 to 100: the task's `grade`, otherwise the primary metric of this row alone."""
    if task.grade is not None:
        return task.grade(prediction, row)
    return task.metrics.corrected([prediction], [row])[task.primary_metric]


def _grouped(pairs: Iterable[Pair], key: Callable[[Pair], Any]) -> dict[Any, list[Pair]]:
    groups: dict[Any, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(key(pair), []).append(pair)
    return groups


def _scored(task: KlueTask, group: Sequence[Pair]) -> dict[str, Any]:
    predictions, rows = [pair[0] for pair in group], [pair[1] for pair in group]
    scores = task.metrics.corrected(predictions, rows)
    return {"rows": len(group), "scores": {name: round(scores[name], 4) for name in task.metrics.names}}
