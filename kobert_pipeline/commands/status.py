"""`kobert status`: which stages are complete, and why the others would run."""

from __future__ import annotations

from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings

INDENT = " " * 21


def status(
    recipe: RecipeName,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every finished file again.")] = False,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Show which stages are complete, which would run, and why."""
    from kobert_pipeline.ground.artifacts import verify as verify_folder
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import states

    damaged = False
    for state in states(load_recipe(recipe, tuple(settings or ())), artifacts):
        typer.echo(f"{state.stage.name:10} {'complete ' if state.complete else 'would run'}  {state.folder}")
        for reason in state.reasons:
            typer.echo(f"{INDENT} - {reason}")
        for problem in verify_folder(state.folder) if verify and state.complete else ():
            damaged = True
            typer.echo(f"{INDENT} - DAMAGED {problem}. Remove the folder and run the recipe again.")
    if damaged:
        raise typer.Exit(1)
