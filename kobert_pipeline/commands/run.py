"""`kobert run`: from raw text to a folder to publish."""

from __future__ import annotations

from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings


def run(
    recipe: RecipeName,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Run up to this stage.")] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Run a recipe from raw text to a folder to publish. Finished stages are skipped."""
    from kobert_pipeline.commands.eval import score_table
    from kobert_pipeline.commands.report import write_report
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run as run_stages

    loaded = load_recipe(recipe, tuple(settings or ()))
    folders = run_stages(loaded, artifacts, only=only, until=until)
    if "hub" in folders:
        page = write_report(loaded, artifacts, folders)
        typer.echo(f"Model:  {folders['hub'] / 'publish'}\nReport: {page}")
        typer.echo(score_table(folders["klue_eval"]))
