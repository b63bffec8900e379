"""`kobert report`: one HTML page of a run, or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import KobertError

if TYPE_CHECKING:
    from kobert_pipeline.finished import FinishedRun

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
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the page. Default: reports/ in the artifacts folder."),
    ] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Write one self-contained HTML page of a run, finished or not, or of two runs side by side."""
    run = _run(recipe, settings or (), artifacts)
    if other is None:
        typer.echo(write_report(run.name, artifacts, run.folders, (*run.compare_with, *(compared or ())), out))
        return
    if compared:
        raise KobertError(
            "--compare-with compares tokenizers with the one of a single run. A page of two runs shows their own."
        )
    from kobert_pipeline.report.compare import write_comparison

    second = _run(other, settings or (), artifacts)
    page = out or artifacts / REPORTS / f"{run.name}-and-{second.name}.html"
    write_comparison(page, (run.name, second.name), (dict(run.folders), dict(second.folders)))
    typer.echo(page)


def _run(name: str, settings: Sequence[str], artifacts: Path) -> FinishedRun:
    """A run as far as it went; one that has not begun has no folders."""
    from kobert_pipeline.finished import FinishedRun, find_run
    from kobert_pipeline.recipe import load_recipe

    found = find_run(name, settings, artifacts)
    if found is not None:
        return found
    recipe = load_recipe(name, tuple(settings))
    return FinishedRun(recipe.name, {}, recipe)


def write_report(
    name: str, artifacts: Path, folders: Mapping[str, Path], compared: Sequence[str] = (), out: Path | None = None
) -> Path:
    """Writes the page of the run `name`. `folders`: stage -> finished artifact. `compared`: tokenizers to compare with."""
    from kobert_pipeline.report.page import write_page

    page = out or artifacts / REPORTS / f"{name}.html"
    write_page(page, name, dict(folders), compared)
    return page
