"""Is the difference of two evaluations real? Intervals and p-values, from the rows that evaluations keep (`ROWS`)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.bootstrap import Difference, difference, interval
from klue_eval.metrics.row_values import RowValues
from klue_eval.row_scores import ROWS, RowScores, load_rows
from kobert_pipeline.ground.contents.scores import PRETRAINED, Result, Scores
from kobert_pipeline.ground.errors import InputError


def run_name(result: int, seed: int) -> str:
    """The name of a run in the file of an evaluation: the number of its result, and of its seed."""
    return f"{result}-{seed}"


def with_intervals(metrics: Mapping[str, Any], runs: Sequence[RowScores]) -> dict[str, Any]:
    """The figures of a result, each with its 95 % `interval` if the metric is made of rows."""
    return {name: figures | _interval(name, runs) for name, figures in metrics.items()}


def _interval(metric: str, runs: Sequence[RowScores]) -> dict[str, Any]:
    if any(metric not in run for run in runs):
        return {}
    found = interval([run[metric] for run in runs])
    return {"interval": [round(found.low, 4), round(found.high, 4)]}


@dataclass(frozen=True)
class Compared:
    """One metric of two evaluations."""

    protocol: str
    title: str
    """`YNAT macro F1`."""
    rows: int
    seeds: tuple[int, int]
    values: tuple[float, float]
    difference: Difference | None
    """The second minus the first."""
    refused: tuple[str, str] | None = None
    """Why they are not compared, in English and in Korean."""


def compared(left: Scores, right: Scores) -> list[Compared]:
    """Every official metric of the pretrained models that both evaluations have, in the order of the columns."""
    titles = {(column.task, column.metric): column.title for column in left.summary.columns}
    found = []
    for one, other in _pairs(left, right):
        for metric in one.metrics:
            values = one.metrics[metric].last_mean, other.metrics[metric].last_mean
            outcome, refused = _difference_or_reason(left, right, one, metric)
            title, seeds = titles[one.task, metric], (one.seeds, other.seeds)
            found.append(Compared(one.protocol, title, one.dev_rows, seeds, values, outcome, refused))
    return found


def _difference_or_reason(
    left: Scores, right: Scores, result: Result, metric: str
) -> tuple[Difference | None, tuple[str, str] | None]:
    try:
        return difference_of(left, right, result.task, metric, result.protocol), None
    except InputError as error:
        return None, error.in_both


def difference_of(left: Scores, right: Scores, task: str, metric: str, protocol: str = "official") -> Difference:
    """The second score minus the first, by a paired bootstrap over rows and seeds.

    Raises InputError if one of them lacks the score, if they scored different rows, and for a metric that is not made of rows.
    """
    one, other = (_result(side, task, metric, protocol) for side in (left, right))
    if one.rows_id != other.rows_id:
        raise InputError(
            "{task}: not compared, because the runs scored different rows ({rows:,} of {split} and {other_rows:,} of {other_split}). Evaluate both on the same data.",
            task=one.title,
            rows=one.dev_rows,
            split=one.split,
            other_rows=other.dev_rows,
            other_split=other.split,
        )
    runs = [_runs(side, result, metric) for side, result in ((left, one), (right, other))]
    return difference(*runs, paired=left.seed == right.seed)


def _pairs(left: Scores, right: Scores) -> Iterator[tuple[Result, Result]]:
    others = {(result.protocol, result.task): result for result in right.summary.results if _counts(result)}
    for result in left.summary.results:
        if _counts(result) and (other := others.get((result.protocol, result.task))):
            yield result, other


def _counts(result: Result) -> bool:
    return result.initialisation == PRETRAINED


def _result(side: Scores, task: str, metric: str, protocol: str) -> Result:
    for result in side.summary.results:
        if _counts(result) and (result.protocol, result.task) == (protocol, task) and metric in result.metrics:
            return result
    raise InputError(
        "{folder}: no {metric} of {task} under the protocol {protocol}",
        folder=side.folder,
        metric=metric,
        task=task,
        protocol=protocol,
    )


def _runs(side: Scores, result: Result, metric: str) -> list[RowValues]:
    """The rows of every seed."""
    path = side.file(ROWS)
    if path is None or not result.rows_id:
        raise InputError(
            "{task}: not compared, because {folder} has no {rows}. Evaluate it again.",
            task=result.title,
            folder=side.folder.name,
            rows=ROWS,
        )
    saved = _loaded(path)
    number = side.summary.results.index(result)
    runs = [saved.get(run_name(number, seed), {}) for seed in range(result.seeds)]
    if any(metric not in run for run in runs):
        raise InputError(
            "{task}: {metric} is not compared: it is a curve over all rows, not a sum over them.",
            task=result.title,
            metric=metric,
        )
    return [run[metric] for run in runs]


@functools.lru_cache(maxsize=2)
def _loaded(path: Path) -> dict[str, dict[str, RowValues]]:
    """Every metric of two evaluations asks for the same two files, which never change."""
    return load_rows(path)
