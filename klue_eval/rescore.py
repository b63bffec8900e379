"""Metrics of saved predictions, computed again without a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from klue_eval.figures import score
from klue_eval.runs import PREDICTIONS, RUNS, SCORES
from klue_eval.task import KlueTask
from klue_eval.task_data import TaskData, read_scored, scored_rows, task_of
from klue_eval.tasks import KNOWN
from klue_eval.values import Row
from kobert_pipeline.ground.artifacts import is_complete, verified
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json_lines, read_object


def rescore(folder: Path, data: str, own: Mapping[str, TaskData] | None = None) -> list[dict[str, Any]]:
    """Returns one entry for each run, in the order of the folders' names. `own`: the rows of own tasks, by name.

    `folder` is a run, the folder of all runs, or a finished evaluation. Raises InputError if it has no predictions, or
    if they were made for other rows than those in `data`.
    """
    runs = _runs_below(folder)
    if not runs:
        raise InputError(
            "{folder}: no {predictions} here or below, and no {scores} that names runs",
            folder=folder,
            predictions=PREDICTIONS,
            scores=SCORES,
        )
    return [_rescore_run(run, data, own or {}) for run in runs]


def _runs_below(folder: Path) -> list[Path]:
    runs = sorted(path.parent for path in folder.rglob(PREDICTIONS) if is_complete(path.parent))
    if not runs and is_complete(folder):
        all_runs = folder.parent.parent / RUNS
        runs = [all_runs / name for result in Scores(folder).summary.results for name in result.runs]
    return runs


def _rescore_run(run: Path, data: str, own: Mapping[str, TaskData]) -> dict[str, Any]:
    saved = read_object(verified(run, SCORES))
    task, rows = _scored(run, saved, data, own)
    lines = list(read_json_lines(verified(run, PREDICTIONS)))
    if [line["guid"] for line in lines] != [row["guid"] for row in rows]:
        raise InputError(
            "{run}: its predictions are for other rows than the {split} split in {data}",
            run=run,
            split=saved["scored"]["split"],
            data=data,
        )
    official = [line.get("official") for line in lines]
    return {
        "run": run.name,
        "task": task.name,
        "scored": saved["scored"],
        **score(task, [line["prediction"] for line in lines], rows, official if task.decode_officially else None),
    }


def _scored(run: Path, saved: Mapping[str, Any], data: str, own: Mapping[str, TaskData]) -> tuple[KlueTask, list[Row]]:
    """The task of a run and the rows that it scored. Raises InputError for an own task whose file is not given."""
    name = saved["task"]
    if name in own:
        return task_of(name, own[name]), scored_rows(saved["scored"], own[name])
    if name not in KNOWN:
        raise InputError(
            "{run}: its predictions are of the own task {name}. Name its file: --task FILE", run=run, name=name
        )
    return KNOWN[name], read_scored(name, data, saved["scored"])
