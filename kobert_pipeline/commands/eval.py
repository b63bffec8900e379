"""`kobert eval`: scores of any checkpoint on KLUE."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, recipe_names
from kobert_pipeline.commands.own_tasks import own_settings, require_own, show_kept
from kobert_pipeline.commands.shots import require_shots, score_shots
from kobert_pipeline.ground.errors import KobertError

HUB_KLUE = "hub:klue"
SEED = 42
ALONE: dict[str, Any] = {"tasks": (), "protocols": {"fine-tuning": {}}}
"""The evaluation of own tasks without a recipe. Tasks of KLUE are scored if they are named, too."""

ModelToScore = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL", help="A Hugging Face folder, a Hub id, or a recipe that was run.", autocompletion=recipe_names
    ),
]
Tasks = Annotated[
    str | None, typer.Option(help="Comma-separated: ynat, sts, nli, ner, re, dp, mrc, wos. Default: all eight.")
]
Data = Annotated[str | None, typer.Option(help="Folder or archive of KLUE files, or hub:klue, which is the default.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="Runs per task, each with its own seed. Default: 3.")]
TrainRows = Annotated[int | None, typer.Option(min=1, help="Number of training rows. Default: all.")]
HeldOut = Annotated[
    str | None,
    typer.Option(help="Tasks with one labelled file: train on 80 % of it, score the rest. Not a KLUE dev score."),
]
AsRecipe = Annotated[
    str | None, typer.Option(metavar="RECIPE", help="Evaluate as this recipe's klue_eval says, e.g. label-curves.")
]
Perturb = Annotated[
    str | None,
    typer.Option(
        metavar="spacing",
        help="Also score dev with typing errors: no spaces, wrong spaces, slips of a letter. Default tasks then: ynat, sts, nli, ner.",
    ),
]
Trust = Annotated[bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model.")]
Predictions = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Compute metrics again, from the saved predictions in DIR.")
]
OwnFiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="A labelled task of your own: CSV or TSV with the columns text[, text_b], label; or CoNLL. May be repeated.",
    ),
]
OwnKind = Annotated[
    str | None, typer.Option(help="What --task is: classification, regression or tagging. Default: as its labels say.")
]
OwnEpochs = Annotated[int | None, typer.Option(min=1, help="Epochs of --task. Default: as its size says.")]
OwnModel = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write the models of --task and --export, or the scores of --shots."),
]
Shots = Annotated[
    str | None,
    typer.Option(
        metavar="0,1,4,16",
        help="Score a model that writes without training: the likeliest label word after a prompt with so many examples. "
        "Tasks: ynat, sts, nli.",
    ),
]
Rows = Annotated[int | None, typer.Option(min=1, help="Number of rows that --shots scores. Default: all.")]
Workers = Annotated[
    int,
    typer.Option(min=0, help="How many tasks are fine-tuned at a time, each on one core. Default: 0, one per core."),
]
Export = Annotated[
    str | None,
    typer.Option(metavar="TASKS", help="Keep the models that are fine-tuned on these tasks, for plain transformers."),
]


def eval(
    model: ModelToScore = None,
    tasks: Tasks = None,
    data: Data = None,
    seeds: Seeds = None,
    train_rows: TrainRows = None,
    held_out: HeldOut = None,
    recipe: AsRecipe = None,
    perturb: Perturb = None,
    trust_remote_code: Trust = False,
    rescore: Predictions = None,
    task: OwnFiles = None,
    kind: OwnKind = None,
    epochs: OwnEpochs = None,
    export: Export = None,
    out: OwnModel = None,
    shots: Shots = None,
    rows: Rows = None,
    workers: Workers = 0,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Score any Hugging Face checkpoint on KLUE, or on your own labelled task."""
    if shots is not None or rows is not None:
        require_shots(locals())
        place = _place(str(model), artifacts)
        return score_shots(place, str(shots), _names(tasks), data or HUB_KLUE, seeds, rows, out)
    require_own(task, kind=kind, epochs=epochs, out=None if export else out)
    own = own_settings(task or (), kind=kind, epochs=epochs)
    if rescore is not None:
        return _rescore(rescore, data or HUB_KLUE, own)
    if model is None:
        raise KobertError("Name a model (a Hugging Face folder or Hub id), or predictions with --rescore DIR.")
    named = _names(tasks) or (None if recipe else _asked_about(export, perturb=bool(perturb and not own)))
    chosen = {"tasks": named, "perturb": perturb, "data": data, "held_out": _names(held_out), "export": _names(export)}
    trusted = {"trust_remote_code": trust_remote_code or None}
    settings = _settings(recipe, chosen | trusted, {"seeds": seeds, "train_rows": train_rows}, own)
    folder = _evaluate(_place(model, artifacts), settings, artifacts, workers)
    if own or export:
        show_kept(model, folder, artifacts, out, own=bool(own))


def _place(model: str, artifacts: Path) -> str:
    from kobert_pipeline.commands.locate import model_of

    return model_of(model, artifacts)


def _asked_about(export: str | None, *, perturb: bool) -> list[str] | None:
    """The tasks that other options are about, where none is named."""
    return _names(export) or (_perturbable() if perturb else None)


def _rescore(predictions: Path, data: str, own: dict[str, Any]) -> None:
    from klue_eval.build import rescore
    from klue_eval.own.own_task import OwnTaskConfig
    from klue_eval.task_data import read_own_task

    rows = {name: read_own_task(name, OwnTaskConfig.parse(task)) for name, task in own.get("own_tasks", {}).items()}
    for entry in rescore(predictions, data, rows):
        typer.echo(json.dumps(entry, ensure_ascii=False))


def _evaluate(model: str, settings: dict[str, Any], artifacts: Path, workers: int) -> Path:
    from klue_eval.build import evaluate_model
    from klue_eval.config import EvaluationConfig
    from kobert_pipeline.ground.parallel import ExecutionConfig

    execution = ExecutionConfig(workers=workers)
    folder = evaluate_model(model, EvaluationConfig.parse(settings), artifacts, SEED, execution)
    typer.echo(score_table(folder))
    return folder


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _settings(
    recipe: str | None, chosen: dict[str, Any], protocol: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """The recipe's evaluation, with what the options choose; `protocol` holds for every protocol. None: not chosen.

    `own` tasks are added to those of a recipe. Without a recipe, tasks of KLUE are then scored only if they are chosen.
    """
    settings = _recipe_evaluation(recipe) | (ALONE if own and recipe is None else {}) | own | _given(chosen)
    settings["protocols"] = {name: content | _given(protocol) for name, content in settings["protocols"].items()}
    return settings


def _perturbable() -> list[str]:
    """KLUE's tasks whose labels carry over to texts with typing errors."""
    from klue_eval.tasks import TASKS

    return [name for name, task in TASKS.items() if task.perturb is not None]


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _recipe_evaluation(recipe: str | None) -> dict[str, Any]:
    """Without a recipe, the official protocol on the Hub's data."""
    from kobert_pipeline.recipe import load_recipe

    if recipe is None:
        return {"data": HUB_KLUE, "protocols": {"official": {}}}
    return load_recipe(recipe).klue_eval.model_dump(mode="json")


def score_table(folder: Path) -> str:
    """The table of a finished evaluation, in Markdown. Empty if it has none."""
    path = folder / "table.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
