"""Runs on several tasks at once, as artifacts: one of the training, under `klue_mixtures/`, and one run for each task.

The run of a task is what it would be alone: its predictions, scores and analysis are read, compared and computed again like any
other's. Its identity names the mixture.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klue_eval.mixing import Mixture
from klue_eval.outcomes import Outcome, PerturbedOutcome
from klue_eval.perturbation import perturbed
from klue_eval.runs import MODEL, Evaluation, Finished, Run, finished, identity_of, once, one_thread, trial_of
from klue_eval.task_data import TaskData, scored_rows
from kobert_pipeline.ground.artifacts import (
    RUN,
    Identity,
    Workspace,
    artifact_folder,
    is_complete,
    read_manifest,
    verified,
)
from kobert_pipeline.ground.files import read_object, write_json
from kobert_pipeline.ground.meter import Meter

if TYPE_CHECKING:
    from klue_eval.multitask import Mixed

MIXTURES = "klue_mixtures"
VERSION = 1
SPEEDS = ("rows_per_second", "scored_rows_per_second")
"""What differs between equal trainings: kept in `run.json`, which is not hashed."""


def finetuned_together(
    evaluation: Evaluation, mixture: Mixture, runs: Sequence[Run], data: Sequence[TaskData], *, keeps: bool
) -> list[Path]:
    """Returns the finished folders of the runs, which share a seed. Trains first if one is missing. `keeps`: the mixture keeps its
    model."""
    alone = [identity_of(evaluation, run) for run in runs]
    whole = _identity(mixture, alone, keeps)
    train = partial(_trained, evaluation, mixture, runs, data, whole)
    return [
        once(evaluation.root, _part(identity, mixture, whole), run.task, partial(_result, train, run, rows))
        for identity, run, rows in zip(alone, runs, data, strict=True)
    ]


def mixture_of(folder: Path) -> dict[str, Any]:
    """What a run of a mixture says about it: `folder`, `steps` of this task and `all_steps`."""
    return dict(read_manifest(folder).summary["mixture"])


def _identity(mixture: Mixture, alone: Sequence[Identity], keeps: bool) -> Identity:
    """Of the training."""
    first = alone[0]
    config = {"tasks": [identity.config for identity in alone], "mixture": mixture.content(), "keeps": keeps}
    inputs = {name: value for identity in alone for name, value in identity.inputs.items()}
    return Identity(MIXTURES, VERSION, config, inputs, first.seed, first.libraries)


def _part(identity: Identity, mixture: Mixture, whole: Identity) -> Identity:
    """Of the run of one task: what it is alone, and the mixture that it comes from."""
    return replace(
        identity,
        config={**identity.config, "mixture": mixture.content()},
        inputs={**identity.inputs, "mixture": whole.fingerprint},
    )


def _trained(
    evaluation: Evaluation, mixture: Mixture, runs: Sequence[Run], data: Sequence[TaskData], identity: Identity
) -> Path:
    """The finished folder of the training: a file of the outcome of each task, and the model if it is kept."""
    folder = artifact_folder(evaluation.root, identity)
    if is_complete(folder):
        return folder
    with Workspace(evaluation.root, identity, wait=True) as out:
        if is_complete(folder):  # another evaluation, which shares the mixture, has finished it
            return folder
        with Meter() as meter:
            keep = out.path / MODEL if identity.config["keeps"] else None
            trained = _train(evaluation, mixture, runs, data, keep)
        names = [run.task.name for run in runs]
        outcomes = {name: asdict(outcome) for name, outcome in zip(names, trained.outcomes, strict=True)}
        speeds = {name: {speed: outcome.pop(speed) for speed in SPEEDS} for name, outcome in outcomes.items()}
        for name, outcome in outcomes.items():
            write_json(out.path / f"{name}.json", outcome)
        summary = {"steps": dict(zip(names, trained.steps, strict=True))}
        return out.finish(summary, {"seconds": meter.seconds, "peak_mib": meter.peak_mib, "speeds": speeds})


def _train(
    evaluation: Evaluation, mixture: Mixture, runs: Sequence[Run], data: Sequence[TaskData], keep: Path | None
) -> Mixed:
    """A folder of a model that a killed process began is written again."""
    from klue_eval.multitask import finetune_together

    if keep is not None:
        shutil.rmtree(keep, ignore_errors=True)
    with one_thread():
        return finetune_together(
            evaluation.model,
            [trial_of(evaluation, run) for run in runs],
            mixture,
            [rows.train[: run.train_rows] for run, rows in zip(runs, data, strict=True)],
            [scored_rows(run.scored, rows) for run, rows in zip(runs, data, strict=True)],
            [
                perturbed(run.task, scored_rows(run.scored, rows)) if run.perturb else []
                for run, rows in zip(runs, data, strict=True)
            ],
            keep,
        )


def _result(train: Callable[[], Path], run: Run, data: TaskData, out: Path) -> Finished:
    """The outcome of one task, with its scores."""
    folder = train()
    saved = read_object(verified(folder, f"{run.task.name}.json"))
    errors = {name: PerturbedOutcome(**found) for name, found in saved["perturbed"].items()}
    speeds = read_object(folder / RUN)["speeds"][run.task.name]
    outcome = Outcome(**{**saved, **speeds, "perturbed": errors})
    steps = read_manifest(folder).summary["steps"]
    note = {"folder": folder.name, "steps": steps[run.task.name], "all_steps": outcome.steps}
    return replace(finished(run, outcome, scored_rows(run.scored, data)), summary={"mixture": note})
