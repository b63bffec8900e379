"""`kobert runs`: every run in the artifacts folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    from kobert_pipeline.report.run_table import RunRow

MOST_SCORES = 3
"""Scores that the table of the terminal shows. --json and --csv have all of them."""


def runs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE...]", help="Only runs of these recipes. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All settings and scores, as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A row for each run, as CSV.")] = False,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """List every run in the artifacts folder: recipe, tag, settings that differ, loss, scores, time."""
    if as_json and as_csv:
        raise KobertError("--json and --csv exclude each other.")
    rows = read_rows(artifacts, names)
    if as_json:
        typer.echo(json.dumps([as_record(row) for row in rows], ensure_ascii=False, indent=1))
    elif as_csv:
        typer.echo(_csv(rows), nl=False)
    elif not rows:
        typer.echo(say("No runs in {artifacts}. `kobert run quickstart` makes one.", artifacts=artifacts))
    else:
        show(rows)


def read_rows(artifacts: Path, recipes: Iterable[str] | None = None) -> list[RunRow]:
    """The runs of these recipes, or all. Raises KobertError for a recipe that did not run."""
    from kobert_pipeline.finished import all_runs
    from kobert_pipeline.ground.config import nearest
    from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
    from kobert_pipeline.report.run_table import row_of

    found = all_runs(artifacts)
    known = sorted({run.name for run in found})
    for recipe in recipes or ():
        if recipe not in known:
            meant = f"; {nearest(recipe, known)}" if known else ""
            raise KobertError(
                "{recipe}: no run of this recipe in {artifacts}{meant}", recipe=recipe, artifacts=artifacts, meant=meant
            )
    return [row_of(run.run_name, ArtifactSet.read(run.folders)) for run in found if not recipes or run.name in recipes]


def as_record(row: RunRow) -> dict[str, Any]:
    """A run as plain JSON values."""
    loss = row.loss
    return {
        "run": row.name,
        "recipe": row.recipe,
        "tag": row.tag,
        "stage": row.stage,
        "loss": None if loss is None else loss.value,
        "loss_name": None if loss is None else loss.figure.name,
        "seconds": round(row.seconds, 2),
        "sample_scores": row.sample,
        "scores": dict(row.scores),
        "settings": dict(row.settings),
    }


def _csv(rows: Sequence[RunRow]) -> str:
    """Settings that differ and scores are columns of their own."""
    from kobert_pipeline.report.run_table import differing

    keys, scores = differing(rows), list(dict.fromkeys(name for row in rows for name in row.scores))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["run", "recipe", "tag", "stage", "loss", "loss_name", "seconds", *keys, *scores])
    for row in rows:
        record = as_record(row)
        plain = [record[name] for name in ("run", "recipe", "tag", "stage", "loss", "loss_name", "seconds")]
        writer.writerow([*plain, *(row.settings.get(key) for key in keys), *(row.scores.get(name) for name in scores)])
    return buffer.getvalue()


def show(rows: Sequence[RunRow]) -> None:
    """A table as wide as the terminal, seeds of the same settings together below it, and the verdict."""
    from rich.console import Console

    from kobert_pipeline.report.run_table import amount, groups, verdict

    console = Console(highlight=False)
    console.print(_table(rows))
    for group in groups(rows):
        loss, figure = group.loss, next((row.loss.figure for row in group.rows if row.loss), None)
        if loss and figure and len(group.rows) > 1:
            seeds = say(
                "{run}, seeds {seeds}: {loss}", run=group.name, seeds=", ".join(group.seeds), loss=amount(loss, figure)
            )
            console.print(seeds, markup=False)
    for sentence in verdict(rows):
        console.print(sentence.spoken, markup=False)


def _table(rows: Sequence[RunRow]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from kobert_pipeline.ground.amounts import shown_seconds
    from kobert_pipeline.report.run_table import differing, own_settings, show_number

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    titles = (say("run"), say("settings that differ"), say("loss"), say("scores"), say("time"))
    for number, title in enumerate(titles):
        table.add_column(title, overflow="fold", justify="right" if number in (2, 4) else "left")
    keys = differing(rows)
    for row in rows:
        settings = [f"{key}={value}" for key, value in own_settings(row, keys).items()]
        scores = [f"{name} {value:.2f}" for name, value in list(row.scores.items())[:MOST_SCORES]]
        more = [say("{count} more", count=len(row.scores) - MOST_SCORES)] if len(row.scores) > MOST_SCORES else []
        cells = [
            row.name
            if row.stage == "hub"
            else f"{row.name}\n{say('(up to {stage})', stage=row.stage or say('nothing'))}",
            "\n".join(settings) or "–",
            show_number(row.loss.value, row.loss.figure) if row.loss else "–",
            say("sample: mean nothing") if row.sample else "\n".join(scores + more) or "–",
            shown_seconds(row.seconds) if row.seconds else "–",
        ]
        table.add_row(*map(Text, cells))
    return table
