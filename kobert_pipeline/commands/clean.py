"""`kobert clean`: deletes what no recipe needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say


def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them. Default: only list them.")] = False,
    evaluations: Annotated[
        bool, typer.Option("--evaluations", help="Also results of `kobert eval`, which belong to no recipe.")
    ] = False,
    forget: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN", help="A run (NAME:TAG) that is not needed any more. With --yes. May be repeated."),
    ] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """List, and with --yes delete, the artifacts that no recipe used last: those of other settings, versions and inputs."""
    from kobert_pipeline.ground.amounts import shown_bytes
    from kobert_pipeline.reclaiming import delete, leftovers

    _forget(forget or (), artifacts, yes)
    unreached = leftovers(artifacts, evaluations=evaluations)
    for leftover in unreached:
        name = leftover.folder.relative_to(artifacts).as_posix()
        note = f"  {say('not finished')}" if leftover.is_partial else ""
        typer.echo(f"{name:40} {shown_bytes(leftover.bytes):>12}{note}")
    if not unreached:
        typer.echo(say("Nothing to delete: recipes use all artifacts."))
        return
    if not yes:
        total = shown_bytes(sum(leftover.bytes for leftover in unreached))
        typer.echo(
            say(
                "{folders}, {total}. Nothing was deleted; --yes deletes them.",
                folders=_counted(len(unreached)),
                total=total,
            )
        )
        return
    deleted = [leftover for leftover in unreached if delete(artifacts, leftover)]
    total = shown_bytes(sum(leftover.bytes for leftover in deleted))
    kept = len(unreached) - len(deleted)
    note = say(" A process writes {kept}: kept.", kept=kept) if kept else ""
    typer.echo(say("Deleted {folders}, {total}.", folders=_counted(len(deleted)), total=total) + note)


def _forget(runs: Iterable[str], artifacts: Path, yes: bool) -> None:
    """Removes the records of runs, whose artifacts are then reached only by others. Raises KobertError for an unknown run."""
    from kobert_pipeline.ground.config import nearest  # brings pydantic, and every command imports this file
    from kobert_pipeline.ground.pointers import Pointer, pointers

    known = [pointer.run for pointer in pointers(artifacts)]
    for run in runs:
        if run not in known:
            if not known:
                raise KobertError("--forget {run}: no run here", run=run)
            raise KobertError("--forget {run}: no such run; {meant}", run=run, meant=nearest(run, known))
        if yes:
            Pointer(artifacts, run).path.unlink()
            typer.echo(say("Forgotten: {run}. Its pages stay.", run=run))
        else:
            typer.echo(say("Would forget {run} with --yes; then its artifacts are listed here.", run=run))


def _counted(folders: int) -> str:
    return say("1 folder") if folders == 1 else say("{count:,} folders", count=folders)
