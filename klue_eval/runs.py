"""One fine-tuning run, or one run of the baseline, as an artifact of its own.

A run is a task, initialisation, seed, learning rate, number of epochs and number of rows. It is stored under
`klue_runs/` by its fingerprint. Runs that are finished are never repeated: not after a kill, and not for another
protocol.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klue_eval import baseline
from klue_eval.analysis import analyse
from klue_eval.config import Distil
from klue_eval.figures import best_checkpoint, score
from klue_eval.outcomes import Outcome
from klue_eval.perturbation import perturbed
from klue_eval.row_scores import ROWS, RowScores, load_rows, row_scores, rows_id, save_rows
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.task_card import CARD, Trained, hub_id, reads_pairs, task_card
from klue_eval.task_data import TaskData, scored_rows
from klue_eval.values import Row
from kobert_pipeline.ground.artifacts import (
    Identity,
    Workspace,
    artifact_folder,
    is_complete,
    read_manifest,
    verified,
)
from kobert_pipeline.ground.contents.scores import PRETRAINED
from kobert_pipeline.ground.files import read_object, write_json, write_text
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.ground.meter import Meter

if TYPE_CHECKING:
    from klue_eval.finetune import Trial
    from klue_eval.teachers import Teacher

RUNS = "klue_runs"
RUN_VERSION = 5
SCORES = "scores.json"
PREDICTIONS = "predictions.jsonl"
ANALYSIS = "analysis.json"
RUN = "run"
"""The name of a run in its own file of rows."""
MODEL = "model"
"""The folder of a model that a run keeps."""
WEIGHTS = "weights.safetensors"
"""The weights of a teacher."""


@dataclass(frozen=True)
class Evaluation:
    """What all runs of an evaluation share."""

    model: Path
    root: Path
    """The artifacts folder."""
    model_identities: Mapping[str, str]
    """Initialisation -> hash of what decides it."""
    data_hashes: Mapping[str, str]
    libraries: Mapping[str, str]
    precision: str
    trust_remote_code: bool = False
    teachers: Mapping[str, Path] = field(default_factory=dict)
    """Protocol -> the folder of the encoder from which its models are distilled."""
    teacher: Path | None = None
    """The one of the protocol of a run."""

    def of_teacher(self, protocol: str) -> Evaluation:
        """What the run of the protocol's teacher is part of."""
        identities = {PRETRAINED: self.data_hashes[teacher_input(protocol)]}
        return replace(self, model=self.teachers[protocol], model_identities=identities)


def teacher_input(protocol: str) -> str:
    """The name of a protocol's teacher among the inputs of an evaluation."""
    return f"teacher of {protocol}"


@dataclass(frozen=True)
class Run:
    """What decides one run of a model."""

    task: KlueTask
    settings: TaskSettings
    initialisation: str
    seed: int
    train_rows: int
    evaluations_per_epoch: int
    scored: Mapping[str, Any]
    """Which rows are scored: an argument of `scored_rows`."""
    training: str = "finetune"
    patience: int = 0
    stopping_rows: int = 0
    """Training rows after those trained on. They decide when a run with patience stops."""
    perturb: bool = False
    """Whether the last checkpoint is also scored on rows with typing errors."""
    exports: bool = False
    """Whether the run keeps its model, for transformers' pipelines."""
    keeps_weights: bool = False
    """Whether it keeps the weights of a teacher."""
    distil: Distil | None = None
    taught_by: Path | None = None
    """The teacher's finished run."""


def finetuned(evaluation: Evaluation, run: Run, data: TaskData) -> Path:
    """Returns the finished folder of a run. Does the run first if it is not there yet."""
    return once(
        evaluation.root,
        identity_of(evaluation, run),
        run.task,
        lambda out: _finetune(evaluation, run, data, out),
    )


def identity_of(evaluation: Evaluation, run: Run) -> Identity:
    return Identity(
        stage=RUNS,
        version=RUN_VERSION,
        config={
            "task": run.task.name,
            "task_version": run.task.version,
            "initialisation": run.initialisation,
            "settings": run.settings.content(),
            "train_rows": run.train_rows,
            "evaluations_per_epoch": run.evaluations_per_epoch,
            "scored": dict(run.scored),
            "precision": evaluation.precision,
            "trust_remote_code": evaluation.trust_remote_code,
            "training": run.training,
            "patience": run.patience,
            "stopping_rows": run.stopping_rows,
            **({"exports": True} if run.exports else {}),
            **({"perturb": True} if run.perturb else {}),
            **({"keeps_weights": True} if run.keeps_weights else {}),
            **({"distil": run.distil.content()} if run.distil else {}),
        },
        inputs={
            "model": evaluation.model_identities[run.initialisation],
            **_inputs(evaluation, run.task, run.scored),
            **({"teacher": read_manifest(run.taught_by).fingerprint} if run.taught_by else {}),
        },
        seed=run.seed,
        libraries=dict(evaluation.libraries),
    )


def _inputs(evaluation: Evaluation, task: KlueTask, scored: Mapping[str, Any]) -> dict[str, str]:
    names = {f"{task.name}_train", f"{task.name}_{'train' if scored['split'] == 'train' else 'dev'}"}
    return {name: evaluation.data_hashes[name] for name in sorted(names)}


@dataclass(frozen=True)
class Finished:
    scored: list[Row]
    predictions: list[Any]
    official: list[Any] | None
    """Predictions of the task's official decoding, if it has one."""
    scores: dict[str, Any]
    record: dict[str, Any]
    """What `run.json` holds besides time and memory."""
    perturbed: Mapping[str, RowScores] = field(default_factory=dict)
    """Error -> what each row with that error added to the scores."""
    summary: dict[str, Any] = field(default_factory=dict)
    """What the manifest holds besides the scores."""


def once(root: Path, identity: Identity, task: KlueTask, work: Callable[[Path], Finished]) -> Path:
    """Returns the finished folder of a run, whose `work` is done if it is not there yet."""
    finished = artifact_folder(root, identity)
    if is_complete(finished):
        return finished
    with Workspace(root, identity, wait=True) as out:
        if is_complete(finished):  # another evaluation, which shares the run, has finished it
            return finished
        with Meter() as meter:
            done = work(out.path)
        write_text(out.path / PREDICTIONS, "".join(f"{canonical_json(line)}\n" for line in _lines(done)))
        write_json(out.path / SCORES, done.scores | {"rows_id": rows_id(task, done.scored)})
        rows = row_scores(task, done.official or done.predictions, done.scored)
        save_rows(out.path / ROWS, {RUN: rows, **done.perturbed})
        write_json(out.path / ANALYSIS, analyse(task, done.predictions, done.scored))
        out.records[PREDICTIONS] = len(done.predictions)
        summary = {"task": done.scores["task"], **done.scores["last"], **done.summary}
        return out.finish(summary, {"seconds": meter.seconds, "peak_mib": meter.peak_mib, **done.record})


def scores_of_run(folder: Path) -> dict[str, Any]:
    """What a finished run scored. Raises ArtifactMismatch if the file is missing or has changed."""
    return read_object(verified(folder, SCORES))


def rows_of_run(folder: Path, name: str = RUN) -> RowScores:
    """What each row added to the scores of a finished run, or to those of its rows with an error. Raises ArtifactMismatch if the file is missing or has changed."""
    return load_rows(verified(folder, ROWS)).get(name, {})


def _lines(done: Finished) -> Iterator[dict[str, Any]]:
    """One for each row: `guid`, `prediction`, and `official` if the task has an official decoding."""
    for number, (row, prediction) in enumerate(zip(done.scored, done.predictions, strict=True)):
        official = {} if done.official is None else {"official": done.official[number]}
        yield {"guid": row["guid"], "prediction": prediction, **official}


def _finetune(evaluation: Evaluation, run: Run, data: TaskData, out: Path) -> Finished:
    from klue_eval.finetune import finetune

    scored = scored_rows(run.scored, data)
    rows = run.train_rows
    stopping = data.train[rows : rows + run.stopping_rows]
    mistyped = perturbed(run.task, scored) if run.perturb else []
    keep, weights = out / MODEL if run.exports else None, out / WEIGHTS if run.keeps_weights else None
    with one_thread():
        outcome = finetune(
            evaluation.model, trial_of(evaluation, run), data.train[:rows], scored, stopping, keep, mistyped, weights
        )
    done = finished(run, outcome, scored)
    if keep is not None:
        write_json(keep / SCORES, {name: done.scores[name] for name in ("task", "scored", "last")})
        trained = _trained(run, data, scored, evaluation.model)
        write_text(keep / CARD, task_card(run.task, run.settings, done.scores["last"]["official"], trained))
    return done


def trial_of(evaluation: Evaluation, run: Run) -> Trial:
    from klue_eval.finetune import Trial

    return Trial(
        task=run.task,
        settings=run.settings,
        initialisation=run.initialisation,
        seed=run.seed,
        evaluations_per_epoch=run.evaluations_per_epoch,
        precision=evaluation.precision,
        training=run.training,
        patience=run.patience,
        trust_remote_code=evaluation.trust_remote_code,
        teacher=_teacher(evaluation, run),
        exports=run.exports,
    )


def finished(run: Run, outcome: Outcome, scored: list[Row]) -> Finished:
    """The outcome of a run with its scores."""
    scores = {
        "task": run.task.name,
        "scored": dict(run.scored),
        "last": score(run.task, outcome.predictions, scored, outcome.official_predictions),
        "best": best_checkpoint(run.task, outcome.curve),
        "curve": outcome.curve,
        "steps": outcome.steps,
        "truncated": outcome.truncated,
        "unread": outcome.unread,
        "unknown_share": {split: round(share, 6) for split, share in outcome.unknown_share.items()},
        "not_finite": outcome.not_finite,
        **({"calibration": outcome.calibration} if outcome.calibration else {}),
        **({"perturbed": _perturbed_scores(run.task, outcome)} if run.perturb else {}),
    }
    record = {
        "precision": outcome.precision,
        "train_rows_per_second": outcome.rows_per_second,
        "scored_rows_per_second": outcome.scored_rows_per_second,
    }
    rows_with_errors = {
        name: row_scores(run.task, found.official_predictions or found.predictions, found.rows)
        for name, found in outcome.perturbed.items()
    }
    return Finished(scored, outcome.predictions, outcome.official_predictions, scores, record, rows_with_errors)


def _perturbed_scores(task: KlueTask, outcome: Outcome) -> dict[str, Any]:
    """Error -> scores of the rows with that error, how many it left as they were, and [UNK] among their tokens."""
    return {
        name: {
            **score(task, found.predictions, found.rows, found.official_predictions),
            "unchanged": found.unchanged,
            "unknown_share": round(found.unknown_share, 6),
        }
        for name, found in outcome.perturbed.items()
    }


def _teacher(evaluation: Evaluation, run: Run) -> Teacher | None:
    if run.distil is None:
        return None
    from klue_eval.teachers import Teacher

    assert run.taught_by is not None
    assert evaluation.teacher is not None
    return Teacher(evaluation.teacher, verified(run.taught_by, WEIGHTS), run.distil)


def _trained(run: Run, data: TaskData, scored: Sequence[Row], model: Path) -> Trained:
    return Trained(
        base_model=hub_id(model),
        train_rows=run.train_rows,
        scored_rows=len(scored),
        split=data.split,
        seed=run.seed,
        reads_pairs=reads_pairs(run.task, scored),
        is_own=data.own is not None,
    )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Several runs work at once, each on one core, and the number of cores does not change a score."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def baseline_scores(evaluation: Evaluation, task: KlueTask, data: TaskData, rows: int) -> dict[str, float]:
    """Returns the official metrics of the baseline, trained on the first `rows` rows."""
    identity = Identity(
        stage=RUNS,
        version=RUN_VERSION,
        config={"task": task.name, "task_version": task.version, "baseline": baseline.VERSION, "train_rows": rows},
        inputs=_inputs(evaluation, task, {"split": data.split}),
        seed=0,
        libraries={"scikit-learn": importlib.metadata.version("scikit-learn")},
    )

    def work(out: Path) -> Finished:
        predictions = baseline.predict(task, data.train[:rows], data.dev)
        scores = {"task": task.name, "scored": {"split": data.split}, "last": score(task, predictions, data.dev)}
        return Finished(data.dev, predictions, None, scores, {})

    official = scores_of_run(once(evaluation.root, identity, task, work))["last"]["official"]
    return {name: round(official[name], 4) for name in task.metrics.names}
