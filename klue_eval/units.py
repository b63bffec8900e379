"""One run of the evaluation as an artifact of its own, and the scores of saved predictions.

A run is a task, initialisation, seed, learning rate, number of epochs and number of rows. It stands under `klue_units/`
by its fingerprint: what was killed, or another task or protocol beside it, repeats nothing.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval import baseline
from klue_eval.analysis import analyse
from klue_eval.examples import Row
from klue_eval.inputs import TaskData, read_task
from klue_eval.results import best_checkpoint, score
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.tasks import find_task
from kobert_pipeline.ground.artifacts import Identity, Workspace, artifact_folder, is_complete
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.ground.meter import Meter

UNITS = "klue_units"
UNIT_VERSION = 2
SCORES = "scores.json"
PREDICTIONS = "predictions.jsonl"
ANALYSIS = "analysis.json"


@dataclass(frozen=True)
class Evaluation:
    """What all runs of a build share."""

    model: Path
    root: Path
    """The artifacts folder."""
    model_identities: Mapping[str, str]
    """Initialisation -> hash of what decides it."""
    data_hashes: Mapping[str, str]
    libraries: Mapping[str, str]
    precision: str
    trust_remote_code: bool = False


@dataclass(frozen=True)
class Unit:
    """One run. `scored` says on which rows: `{"split": "dev"}`, `{"split": "held_out"}`, or rows [start, stop) of train."""

    task: KlueTask
    settings: TaskSettings
    initialisation: str
    seed: int
    train_rows: int
    evaluations_per_epoch: int
    scored: Mapping[str, Any]
    training: str = "finetune"
    patience: int = 0
    stopping_rows: int = 0
    """Training rows behind those trained on, by which a run with patience is stopped."""


def finetuned(evaluation: Evaluation, unit: Unit, data: TaskData) -> Path:
    """The finished folder of a run, which is done if it is not there yet."""
    identity = Identity(
        stage=UNITS,
        version=UNIT_VERSION,
        config={
            "task": unit.task.name,
            "task_version": unit.task.version,
            "initialisation": unit.initialisation,
            "settings": unit.settings.content(),
            "train_rows": unit.train_rows,
            "evaluations_per_epoch": unit.evaluations_per_epoch,
            "scored": dict(unit.scored),
            "precision": evaluation.precision,
            "trust_remote_code": evaluation.trust_remote_code,
            "training": unit.training,
            "patience": unit.patience,
            "stopping_rows": unit.stopping_rows,
        },
        inputs={
            "model": evaluation.model_identities[unit.initialisation],
            **_inputs(evaluation, unit.task, unit.scored),
        },
        seed=unit.seed,
        libraries=dict(evaluation.libraries),
    )
    return _once(evaluation.root, identity, unit.task, lambda: _run(evaluation, unit, data))


def _inputs(evaluation: Evaluation, task: KlueTask, scored: Mapping[str, Any]) -> dict[str, str]:
    names = {f"{task.name}_train", f"{task.name}_{'train' if scored['split'] == 'train' else 'dev'}"}
    return {name: evaluation.data_hashes[name] for name in sorted(names)}


@dataclass(frozen=True)
class Finished:
    scored: list[Row]
    predictions: list[Any]
    official: list[Any] | None
    """Predictions of the task's official decoding, where it has one of its own."""
    scores: dict[str, Any]
    run: dict[str, Any]


def _once(root: Path, identity: Identity, task: KlueTask, work: Callable[[], Finished]) -> Path:
    finished = artifact_folder(root, identity)
    if is_complete(finished):
        return finished
    with Workspace(root, identity) as out:
        with Meter() as meter:
            done = work()
        write_text(out.path / PREDICTIONS, "".join(f"{canonical_json(line)}\n" for line in _lines(done)))
        write_json(out.path / SCORES, done.scores)
        write_json(out.path / ANALYSIS, analyse(task, done.predictions, done.scored))
        out.records[PREDICTIONS] = len(done.predictions)
        summary = {"task": done.scores["task"], **done.scores["last"]}
        return out.finish(summary, {"seconds": meter.seconds, "peak_mib": meter.peak_mib, **done.run})


def _lines(done: Finished) -> Iterator[dict[str, Any]]:
    """One a row: `guid`, `prediction`, and `official` where the official decoding says otherwise."""
    for number, (row, prediction) in enumerate(zip(done.scored, done.predictions, strict=True)):
        official = {} if done.official is None else {"official": done.official[number]}
        yield {"guid": row["guid"], "prediction": prediction, **official}


def _run(evaluation: Evaluation, unit: Unit, data: TaskData) -> Finished:
    from klue_eval.finetune import Trial, finetune

    scored = scored_rows(unit.scored, data)
    trial = Trial(
        task=unit.task,
        settings=unit.settings,
        initialisation=unit.initialisation,
        seed=unit.seed,
        evaluations_per_epoch=unit.evaluations_per_epoch,
        precision=evaluation.precision,
        training=unit.training,
        patience=unit.patience,
        trust_remote_code=evaluation.trust_remote_code,
    )
    rows = unit.train_rows
    stopping = data.train[rows : rows + unit.stopping_rows]
    with _one_thread():
        outcome = finetune(evaluation.model, trial, data.train[:rows], scored, stopping)
    scores = {
        "task": unit.task.name,
        "scored": dict(unit.scored),
        "last": score(unit.task, outcome.predictions, scored, outcome.official_predictions),
        "best": best_checkpoint(unit.task, outcome.curve),
        "curve": outcome.curve,
        "steps": outcome.steps,
        "truncated": outcome.truncated,
        "unread": outcome.unread,
        "not_finite": outcome.not_finite,
    }
    run = {"precision": outcome.precision, "train_rows_per_second": outcome.rows_per_second}
    return Finished(scored, outcome.predictions, outcome.official_predictions, scores, run)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Runs stand side by side, one a core, and the number of cores changes no score."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def floor(evaluation: Evaluation, task: KlueTask, data: TaskData, rows: int) -> dict[str, float]:
    identity = Identity(
        stage=UNITS,
        version=UNIT_VERSION,
        config={"task": task.name, "task_version": task.version, "tfidf": baseline.VERSION, "train_rows": rows},
        inputs=_inputs(evaluation, task, {"split": data.split}),
        seed=0,
        libraries={"scikit-learn": importlib.metadata.version("scikit-learn")},
    )

    def work() -> Finished:
        predictions = baseline.predict(task, data.train[:rows], data.dev)
        scores = {"task": task.name, "scored": {"split": data.split}, "last": score(task, predictions, data.dev)}
        return Finished(data.dev, predictions, None, scores, {})

    official = read_json(_once(evaluation.root, identity, task, work) / SCORES)["last"]["official"]
    return {name: round(official[name], 4) for name in task.metrics.names}


# --- saved predictions ------------------------------------------------------------------------------------------------


def rescore(folder: Path, data: str) -> list[dict[str, Any]]:
    """Metrics of saved predictions, computed again without a model: one entry a run, in the order of the folders' names.

    `folder` is a run, the folder of all runs, or a finished evaluation. Raises InputError where there are no
    predictions, or where they were made for other rows.
    """
    units = _units_below(folder)
    if not units:
        raise InputError(f"{folder}: no {PREDICTIONS} here or below, and no {SCORES} that names runs")
    return [_rescore_unit(unit, data) for unit in units]


def scored_rows(scored: Mapping[str, Any], data: TaskData) -> list[Row]:
    return data.train[scored["start"] : scored["stop"]] if scored["split"] == "train" else data.dev


def _units_below(folder: Path) -> list[Path]:
    found = sorted(path.parent for path in folder.rglob(PREDICTIONS) if is_complete(path.parent))
    if not found and (folder / SCORES).is_file():
        units = folder.parent.parent / UNITS
        names = [name for result in read_json(folder / SCORES)["results"] for name in result["units"]]
        found = [units / name for name in names]
    return found


def _rescore_unit(unit: Path, data: str) -> dict[str, Any]:
    saved = read_json(unit / SCORES)
    task = find_task(saved["task"])
    split = saved["scored"].get("of") or saved["scored"]["split"]
    rows = scored_rows(saved["scored"], read_task(task.name, data, split))
    lines = [json.loads(line) for line in (unit / PREDICTIONS).read_text(encoding="utf-8").splitlines()]
    if [line["guid"] for line in lines] != [row["guid"] for row in rows]:
        raise InputError(
            f"{unit}: its predictions are for other rows than the {saved['scored']['split']} split in {data}"
        )
    official = [line.get("official") for line in lines]
    return {
        "unit": unit.name,
        "task": task.name,
        "scored": saved["scored"],
        **score(task, [line["prediction"] for line in lines], rows, official if task.decode_officially else None),
    }
