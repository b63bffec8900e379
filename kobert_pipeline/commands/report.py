"""`kobert report`: one HTML page of a run, or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, Settings
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.pointers import file_stem

if TYPE_CHECKING:
    from kobert_pipeline.finished import FinishedRun

REPORTS = "reports"
LONGEST_NAME = 100
"""Bytes of a page's name."""


def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Recipes, or names (NAME:TAG) or ids of runs. Several are compared."),
    ],
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
    """Write one self-contained HTML page of a run, finished or not, or of several runs side by side."""
    found = [_run(name, settings or (), artifacts) for name in runs]
    if len(found) == 1:
        run = found[0]
        others = (*run.compare_with, *(compared or ()))
        typer.echo(write_report(run.run_name, artifacts, run.folders, others, out, run.description))
        return
    if compared:
        raise KobertError(
            "--compare-with compares tokenizers with the one of a single run. A page of several runs shows their own."
        )
    page, lines = write_compared(found, artifacts, out)
    typer.echo("\n".join([str(page), *lines]))


def write_compared(runs: Sequence[FinishedRun], artifacts: Path, out: Path | None = None) -> tuple[Path, list[str]]:
    """Writes the page that compares two runs or more. Returns it, and for two runs a line for each score that both have."""
    from kobert_pipeline.report.compare import write_comparison
    from kobert_pipeline.report.many_runs import write_many

    names = [run.run_name for run in runs]
    folders = [dict(run.folders) for run in runs]
    page = out or artifacts / REPORTS / f"{_page_name(names)}.html"
    if len(runs) == 2:
        real = write_comparison(page, (names[0], names[1]), (folders[0], folders[1]))
        return page, [row.line.spoken for row in real]
    write_many(page, names, folders)
    return page, []


def _page_name(names: Sequence[str]) -> str:
    """`a-and-b`. Names that are too long for a file together become the first one and the hash of all."""
    from kobert_pipeline.ground.fingerprints import fingerprint_of

    joined = "-and-".join(map(file_stem, names))
    return (
        joined
        if len(joined.encode()) <= LONGEST_NAME
        else f"{file_stem(names[0])}-and-{len(names) - 1}-others-{fingerprint_of({'names': list(names)})[:8]}"
    )


def _run(name: str, settings: Sequence[str], artifacts: Path) -> FinishedRun:
    """A run as far as it went; one that has not begun has no folders."""
    from kobert_pipeline.finished import FinishedRun, find_run
    from kobert_pipeline.recipe import load_recipe

    found = find_run(name, settings, artifacts)
    if found is not None:
        return found
    recipe = load_recipe(name, tuple(settings))
    return FinishedRun(recipe.run_name, {}, recipe)


def write_report(
    name: str,
    artifacts: Path,
    folders: Mapping[str, Path],
    compared: Sequence[str] = (),
    out: Path | None = None,
    description: str = "",
) -> Path:
    """Writes the page of the run `name`. `folders`: stage -> finished artifact. `compared`: tokenizers to compare with.
    `description`: the recipe's."""
    from kobert_pipeline.report.page import write_page

    page = out or artifacts / REPORTS / f"{file_stem(name)}.html"
    write_page(page, name, dict(folders), compared, description)
    return page
