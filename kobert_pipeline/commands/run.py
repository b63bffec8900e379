"""`kobert run`: from raw text to a folder to publish."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    from kobert_pipeline.recipe import Recipe

UNASKED = 60.0
"""Seconds of finished work that are repeated without a question."""


def run(
    recipe: RecipeName,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Run up to this stage.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Build again what was finished with other versions of libraries, unasked.")
    ] = False,
    tag: Annotated[
        str, typer.Option(help="A name for this run: its page and record do not replace those of other runs.")
    ] = "",
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Run a recipe from raw text to a folder to publish. Finished stages are skipped."""
    from kobert_pipeline.commands.report import write_report
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run as run_stages
    from kobert_pipeline.runner import wanted_stages

    loaded = load_recipe(recipe, tuple(settings or ()), tag)
    if not yes:
        confirm_repeats(loaded, artifacts, wanted_stages(only, until))
    folders = run_stages(loaded, artifacts, only=only, until=until)
    if "hub" in folders:
        page = write_report(
            loaded.run_name, artifacts, folders, loaded.report.compare_with, description=loaded.description
        )
        name = folders["pretrain"].name if settings or tag else recipe
        typer.echo(say("Model:  {folder}", folder=folders["hub"] / "publish"))
        typer.echo(say("Report: {page}", page=page))
        typer.echo(say("Next:   {command}", command=next_command(name, folders, artifacts)))


def next_command(name: str, folders: Mapping[str, Path], artifacts: Path) -> str:
    """The command that tries the model of the run `name`, with a text that it can take."""
    from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
    from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
    from kobert_pipeline.uses import use_named

    run = PretrainedRun(folders["pretrain"])
    use = use_named(run.summary.use)
    text = use.prompt(auto_tokenizer(str(run.model)), use.examples[0])
    elsewhere = [] if artifacts == DEFAULT_ARTIFACTS else ["--artifacts", str(artifacts)]
    return " ".join(["kobert", *(shlex.quote(word) for word in (use.command.name, name, text, *elsewhere))])


def confirm_repeats(recipe: Recipe, artifacts: Path, wanted: Sequence[str]) -> None:
    """Asks before more than a minute of finished work is done again. Raises KobertError where nobody can answer."""
    from kobert_pipeline.finished import repeats
    from kobert_pipeline.ground.amounts import shown_seconds
    from kobert_pipeline.training.ranks import launched

    again = repeats(recipe, artifacts, wanted)
    seconds = sum(repeat.seconds for repeat in again)
    if seconds <= UNASKED:
        return
    stages = "\n".join(
        f"  {each.stage:10} {shown_seconds(each.seconds):>8}  {'; '.join(each.reasons)}" for each in again
    )
    typer.echo(
        say("These stages of {name} are finished, but with other versions than this machine has:", name=recipe.name),
        err=True,
    )
    typer.echo(stages, err=True)
    typer.echo(say("Commands that read (fill, report, push, serve, inspect) take them as they are."), err=True)
    question = say("Build them again, in about {time}?", time=shown_seconds(seconds))
    if not sys.stdin.isatty() or launched() is not None:
        raise KobertError(
            "{question} Add --yes to do so, or install the versions with which they were made.", question=question
        )
    typer.confirm(question, abort=True, err=True)
