"""`kobert status`: which stages are complete, and why the others would run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.progress_line import padded

if TYPE_CHECKING:
    from kobert_pipeline.finished import FinishedRun
    from kobert_pipeline.runner import State

INDENT = " " * 21


def status(
    recipe: RecipeName,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every finished file again.")] = False,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Show which stages are complete, which would run, and why."""
    damaged = False
    for line in _lines(recipe, tuple(settings or ()), artifacts):
        typer.echo(f"{line.stage:10} {padded(line.state, 9)}  {line.folder}")
        for reason in line.reasons:
            typer.echo(f"{INDENT} - {reason}")
        for problem in _problems(line) if verify else ():
            damaged = True
            damage = say("DAMAGED {problem}. Remove the folder and run the recipe again.", problem=problem)
            typer.echo(f"{INDENT} - {damage}")
    if damaged:
        raise typer.Exit(1)


class Line(NamedTuple):
    stage: str
    state: str
    folder: Path
    reasons: tuple[str, ...] = ()


def _lines(name: str, settings: tuple[str, ...], artifacts: Path) -> list[Line]:
    """Every stage of a recipe. Where its data or its file is gone, the stages of the run that is finished."""
    from kobert_pipeline.finished import find_run, usable_artifacts
    from kobert_pipeline.recipe import is_recipe, load_recipe
    from kobert_pipeline.runner import states

    if not is_recipe(name):
        return _finished(find_run(name, settings, artifacts), say("its recipe is not here"))
    recipe = load_recipe(name, settings)
    try:
        found = states(recipe, artifacts)
    except InputError as error:
        if lines := _finished(find_run(name, settings, artifacts), str(error)):
            return lines
        raise
    usable = usable_artifacts(recipe, artifacts)
    return [_line(state, usable.get(state.stage.name)) for state in found]


def _line(state: State, usable: Path | None) -> Line:
    reasons = state.reasons
    if usable is not None and not state.complete:
        reasons = (*reasons, say("finished with these settings, and can be used: {folder}", folder=usable))
    return Line(state.stage.name, say("complete") if state.complete else say("would run"), state.folder, reasons)


def _finished(run: FinishedRun | None, why: str) -> list[Line]:
    if run is None:
        return []
    known = (say("whether it is up to date is not known: {why}", why=why),)
    return [Line(stage, say("finished"), folder, known) for stage, folder in run.folders.items()]


def _problems(line: Line) -> list[str]:
    from kobert_pipeline.ground.artifacts import is_complete
    from kobert_pipeline.ground.artifacts import verify as verify_folder

    return verify_folder(line.folder) if is_complete(line.folder) else []
