"""The page that compares three runs or more: a verdict, the runs in one table, their scores, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.amounts import shown_seconds
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.report import run_table
from kobert_pipeline.report.bilingual import joined
from kobert_pipeline.report.charts import (
    COLOURS,
    CORPUS,
    DATASET,
    HUB,
    TOKENIZER,
    TRAIN,
    TRAIN_B,
    VALIDATION,
    VALIDATION_B,
    Chart,
    Line,
    line_chart,
    points,
)
from kobert_pipeline.report.curves import titled
from kobert_pipeline.report.kept_pages import identity, write_kept
from kobert_pipeline.report.run_table import Group, Loss, RunRow
from kobert_pipeline.report.templates import template

TEMPLATE = "many_runs.html.jinja"
LINES = (VALIDATION, VALIDATION_B, CORPUS, TOKENIZER, DATASET, HUB, TRAIN, TRAIN_B)
"""Colours of the curves. More runs than colours share them; the table has all runs."""
MISSING = "–"


@dataclass(frozen=True)
class Shown:
    """A run in the table of the page."""

    name: str
    css: str
    """The colour of its curve."""
    settings: Mapping[str, str]
    loss: str
    difference: str
    """Of its loss from that of the first run; empty where the two cannot be compared."""
    is_better: bool
    """Whether its loss is better than that of the first run."""
    time: str


@dataclass(frozen=True)
class ShownScores:
    """The scores of all runs under one title."""

    title: str
    values: list[str]
    differences: list[str]
    best: list[bool]


def write_many(path: Path, names: Sequence[str], folders: Sequence[dict[str, Path]]) -> None:
    """Writes the page. `folders`: for each run, stage -> finished artifact; stages that are absent are left out."""
    write_kept(path, render(names, [ArtifactSet.read(each) for each in folders]))


def render(names: Sequence[str], artifacts: Sequence[ArtifactSet]) -> str:
    rows = [run_table.row_of(*pair) for pair in zip(names, artifacts, strict=True)]
    values = {
        "ids": identity(*artifacts),
        "names": names,
        "verdict": run_table.verdict(rows),
        "rows": shown_rows(rows),
        "groups": [group for group in map(shown_group, run_table.groups(rows)) if group],
        "scores": shown_scores(rows),
        "sample": any(row.sample for row in rows),
        "chart": _chart(names, artifacts),
    }
    return str(template(TEMPLATE).render(values))


def shown_rows(rows: Sequence[RunRow]) -> list[Shown]:
    keys = run_table.differing(rows)
    return [_shown(number, row, rows[0].loss, keys) for number, row in enumerate(rows)]


def _shown(number: int, row: RunRow, first: Loss | None, keys: Sequence[str]) -> Shown:
    difference = _difference(row.loss, first) if number else None
    return Shown(
        name=row.name,
        css=COLOURS[LINES[number % len(LINES)]],
        settings=run_table.own_settings(row, keys),
        loss=MISSING if row.loss is None else run_table.show_number(row.loss.value, row.loss.figure),
        difference=""
        if difference is None or row.loss is None
        else signed(difference, run_table.show_number(abs(difference), row.loss.figure)),
        is_better=difference is not None and row.loss is not None and difference * row.loss.figure.better > 0,
        time=shown_seconds(row.seconds) if row.seconds else MISSING,
    )


def _difference(loss: Loss | None, first: Loss | None) -> float | None:
    if loss is None or first is None or loss.comparable != first.comparable:
        return None
    return loss.value - first.value


def signed(value: float, text: str) -> str:
    """`+0.12` or `−0.12`, from the text of the absolute value."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{text}"


def shown_group(group: Group) -> tuple[str, str, str] | None:
    """Name of the first run, its seeds, and the mean of the loss; None for a single run."""
    loss = group.loss
    if loss is None or len(group.rows) < 2:
        return None
    figure = next(row.loss.figure for row in group.rows if row.loss)
    return group.name, ", ".join(group.seeds), run_table.amount(loss, figure)


def shown_scores(rows: Sequence[RunRow]) -> list[ShownScores]:
    """Every score that a run has, in the order of the first run that has it."""
    titles = dict.fromkeys(title for row in rows for title in row.scores)
    return [_score_row(title, [row.scores.get(title) for row in rows]) for title in titles]


def _score_row(title: str, values: Sequence[float | None]) -> ShownScores:
    first, highest = values[0], max(value for value in values if value is not None)
    differences = [
        "" if value is None or first is None else signed(value - first, f"{abs(value - first):.2f}")
        for value in values[1:]
    ]
    return ShownScores(
        title=title,
        values=[MISSING if value is None else f"{value:.2f}" for value in values],
        differences=["", *differences],
        best=[value == highest for value in values],
    )


def _chart(names: Sequence[str], artifacts: Sequence[ArtifactSet]) -> Chart | None:
    """The headline on validation text, by tokens seen. None unless two runs or more have the same one."""
    runs = [
        (name, number, run)
        for number, (name, each) in enumerate(zip(names, artifacts, strict=True))
        if (run := each.get(PretrainedRun))
    ]
    figures = {run.summary.headline: run.summary.headline_figure for _, _, run in runs}
    if len(runs) < 2 or len(figures) > 1:
        return None
    figure = next(iter(figures.values()))
    lines = [
        Line(name, LINES[number % len(LINES)], points(run.summary.validation, figure.name, "tokens"), marked=True)
        for name, number, run in runs
    ]
    return line_chart(joined([titled(figure), "validation"]), lines, x="tokens", percent=figure.unit == "share")
