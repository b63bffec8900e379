"""`kobert report`: one HTML page of a run, or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import KobertError

if TYPE_CHECKING:
    from kobert_pipeline.recipe import Recipe

REPORTS = "reports"


def report(
    recipe: RecipeName,
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second recipe: both runs on one page.")
    ] = None,
    compared: Annotated[
        list[str] | None,
        typer.Option(
            "--compare-with",
            "--beside",
            metavar="TOKENIZER",
            help="A tokenizer to compare with the run's own: a folder, file or Hub id. May be repeated.",
        ),
    ] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Write one self-contained HTML page of a run, finished or not, or of two runs side by side."""
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import finished_folders

    loaded = load_recipe(recipe, tuple(settings or ()))
    if other is None:
        typer.echo(write_report(loaded, artifacts, finished_folders(loaded, artifacts), compared or ()))
        return
    if compared:
        raise KobertError(
            "--compare-with compares tokenizers with the one of a single run. A page of two runs shows their own."
        )
    from kobert_pipeline.report.compare import write_comparison

    second = load_recipe(other, tuple(settings or ()))
    page = artifacts / REPORTS / f"{loaded.name}-and-{second.name}.html"
    folders = (finished_folders(loaded, artifacts), finished_folders(second, artifacts))
    write_comparison(page, (loaded.name, second.name), folders)
    typer.echo(page)


def write_report(recipe: Recipe, artifacts: Path, folders: Mapping[str, Path], compared: Sequence[str] = ()) -> Path:
    """Writes the page of a run. `folders`: stage -> finished artifact. `compared`: tokenizers, added to the recipe's."""
    from kobert_pipeline.report.page import write_page

    page = artifacts / REPORTS / f"{recipe.name}.html"
    write_page(page, recipe.name, dict(folders), (*recipe.report.compare_with, *compared))
    return page
