"""`kobert push`: publishes a model, a tokenizer or a corpus on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    from kobert_pipeline.hub.bundle import Bundle
    from kobert_pipeline.hub.checkpoints_on_the_way import Checkpoint
    from kobert_pipeline.hub.publishable import Kind
    from kobert_pipeline.hub.push import Published

CONFIG = "config.json"


def push(
    recipe: RecipeName,
    repo: Annotated[str, typer.Option("--to", "--repo", metavar="OWNER/NAME", help="The repository on the Hub.")],
    what: Annotated[
        str, typer.Option(metavar="KIND", help="model, tokenizer or dataset (the cleaned corpus).")
    ] = "model",
    yes: Annotated[bool, typer.Option("--yes", help="Send it. Default: only show what would be sent.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Everybody may read it. Default: private.")] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="Publish on this branch. Default: main.")
    ] = None,
    tag: Annotated[str, typer.Option(help="Names this state. Default: the run's fingerprint.")] = "",
    message: Annotated[str, typer.Option(help="The commit's message.")] = "",
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="WARNING", help="Answers a warning: licences, personal-data."),
    ] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Publish a run, or the folder of a fine-tuned model, on the Hugging Face Hub: a dry run unless --yes."""
    from kobert_pipeline.hub.publishable import as_kind
    from kobert_pipeline.hub.push import Destination, describe
    from kobert_pipeline.publishing import publish, questions, refuse_unanswered

    kind = as_kind(what)
    to = Destination(repo, not public, revision, tag, message)
    bundle, checkpoints = _gathered(recipe, kind, repo, settings or (), artifacts)
    asked = questions(bundle)
    if not yes:
        typer.echo(describe(bundle, to, map(str, asked)))
        for each in checkpoints:
            typer.echo(_described(each))
        return
    refuse_unanswered(asked, accept or ())
    _say(publish(bundle, to, artifacts))
    for each in checkpoints:
        _say(publish(each.bundle, replace(to, revision=each.revision, tag=each.tag), artifacts))


def _gathered(
    name: str, kind: Kind, repo: str, settings: Sequence[str], artifacts: Path
) -> tuple[Bundle, list[Checkpoint]]:
    """What is published of a run, or of a folder; and the models of steps on the way."""
    from kobert_pipeline.publishing import finished_run, gather, gather_checkpoints, gather_folder

    if (Path(name) / CONFIG).is_file():
        return gather_folder(Path(name), artifacts), []
    run = finished_run(name, settings, artifacts, kind)
    return gather(run, artifacts, kind, repo), gather_checkpoints(run, artifacts, repo) if kind == "model" else []


def _described(each: Checkpoint) -> str:
    count = len(each.bundle.files)
    return say("Then branch {branch}, tag {tag}: {count} files.", branch=each.revision, tag=each.tag, count=count)


def _say(done: Published) -> None:
    state = say("Published") if done.is_new else say("Was there already")
    where = say("{repo}, commit {commit}, tag {tag}", repo=done.repo, commit=done.commit[:8], tag=done.tag)
    typer.echo(say("{state}: {where}; loaded back from an empty cache.", state=state, where=where))
