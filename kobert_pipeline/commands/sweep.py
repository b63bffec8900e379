"""`kobert sweep`: a recipe with every combination of some settings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName
from kobert_pipeline.ground.errors import KobertError, Terminated
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    from kobert_pipeline.recipe import Recipe

TASK = "SLURM_ARRAY_TASK_ID"
"""SLURM's number of the job in an array."""


def sweep(
    recipe: RecipeName,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=V1,V2,…", help="A setting and its values, e.g. seed=1,2,3. May be repeated."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Run up to this stage.")] = None,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Print a batch script that runs each combination as a job of an array.")
    ] = False,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Run a recipe with every combination of settings, one after the other. Finished stages are skipped."""
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.sweeps import combinations

    grid = combinations(settings or ())
    recipes = [load_recipe(recipe, assignments) for assignments in grid]
    if slurm:
        typer.echo(script(recipe, settings or (), until, artifacts, len(grid)), nl=False)
    elif TASK in os.environ:
        chosen = task_number(os.environ[TASK], len(grid))
        _run(
            recipes[chosen],
            grid[chosen],
            say("{number} of {total}", number=chosen + 1, total=len(grid)),
            artifacts,
            until,
        )
    else:
        _run_all(recipes, grid, artifacts, until)


def _run(recipe: Recipe, assignments: Sequence[str], number: str, artifacts: Path, until: str | None) -> None:
    """Waits for another job that makes a stage which both need."""
    from kobert_pipeline.commands.report import write_report
    from kobert_pipeline.runner import run

    typer.echo(f"{number}: {recipe.run_name}: {' '.join(assignments)}")
    folders = run(recipe, artifacts, until=until, wait=True)
    write_report(recipe.run_name, artifacts, folders, recipe.report.compare_with, description=recipe.description)


def _run_all(recipes: Sequence[Recipe], grid: Sequence[Sequence[str]], artifacts: Path, until: str | None) -> None:
    """One that fails does not stop the others. Raises KobertError at the end if one failed."""
    failed: list[str] = []
    for number, (recipe, assignments) in enumerate(zip(recipes, grid, strict=True), 1):
        try:
            _run(recipe, assignments, say("{number} of {total}", number=number, total=len(grid)), artifacts, until)
        except Terminated:
            raise
        except KobertError as error:
            failed.append(f"{' '.join(assignments)}: {error}")
            typer.echo(say("failed: {run}", run=failed[-1]), err=True)
    _compare([recipe.run_name for recipe in recipes], artifacts)
    if failed:
        raise KobertError(
            "{count} of {total} runs failed. The first: {first}", count=len(failed), total=len(grid), first=failed[0]
        )


def _compare(names: Sequence[str], artifacts: Path) -> None:
    """Shows the runs, and writes the page that compares them."""
    from kobert_pipeline.commands.report import write_compared
    from kobert_pipeline.commands.runs import read_rows, show
    from kobert_pipeline.finished import all_runs

    found = {run.run_name: run for run in all_runs(artifacts)}
    wanted = [found[name] for name in dict.fromkeys(names) if name in found]
    rows = {row.name: row for row in read_rows(artifacts)}
    show([rows[name] for name in dict.fromkeys(names) if name in rows])
    if len(wanted) > 1:
        typer.echo(say("Report: {page}", page=write_compared(wanted, artifacts)[0]))


def task_number(text: str, count: int) -> int:
    """SLURM's number as an index. Raises KobertError if there is no such combination."""
    if not text.isdecimal() or int(text) >= count:
        raise KobertError(
            "{task}={text}: the combinations are numbered 0 to {last}. Submit with --array=0-{last}.",
            task=TASK,
            text=text,
            last=count - 1,
        )
    return int(text)


def script(recipe: str, settings: Sequence[str], until: str | None, artifacts: Path, count: int) -> str:
    """A batch script with one job for each combination. Every job finds its combination by its number."""
    options = [f"--set {shlex.quote(each)}" for each in settings]
    options += [f"--until {shlex.quote(until)}"] if until else []
    command = " ".join(["kobert sweep", shlex.quote(recipe), *options, "--artifacts", shlex.quote(str(artifacts))])
    return f"""#!/bin/bash
#SBATCH --job-name=kobert-sweep
#SBATCH --array=0-{count - 1}
#SBATCH --nodes=1
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --output=sweep-%A-%a.log
# Every job needs the same artifacts folder, and this environment: source .venv/bin/activate
# Finished stages are skipped: submit the script again to go on with jobs that ended early.
{command}
"""
