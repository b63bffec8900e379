"""`kobert push`: publishes a model, a tokenizer or a corpus on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings

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
    from kobert_pipeline.publishing import (
        finished_run,
        gather,
        gather_checkpoints,
        gather_folder,
        publish,
        questions,
        refuse_unanswered,
    )

    kind = as_kind(what)
    to = Destination(repo, not public, revision, tag, message)
    checkpoints = []
    if (Path(recipe) / CONFIG).is_file():
        bundle = gather_folder(Path(recipe), artifacts)
    else:
        run = finished_run(recipe, settings or (), artifacts, kind)
        bundle = gather(run, artifacts, kind, repo)
        checkpoints = gather_checkpoints(run, artifacts, repo) if kind == "model" else []
    asked = questions(bundle)
    if not yes:
        typer.echo(describe(bundle, to, map(str, asked)))
        for each in checkpoints:
            typer.echo(f"Then branch {each.revision}, tag {each.tag}: {len(each.bundle.files)} files.")
        return
    refuse_unanswered(asked, accept or ())
    done = publish(bundle, to, artifacts)
    state = "Published" if done.is_new else "Was there already"
    typer.echo(f"{state}: {done.repo}, commit {done.commit[:8]}, tag {done.tag}; loaded back from an empty cache.")
    for each in checkpoints:
        there = publish(each.bundle, Destination(repo, not public, each.revision, each.tag, message), artifacts)
        typer.echo(
            f"Branch {each.revision}: commit {there.commit[:8]}, tag {there.tag}; loaded back from an empty cache."
        )
