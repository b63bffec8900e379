"""The curves of a pretraining run, or of two runs in one chart: one chart for each figure that the objective names."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kobert_pipeline.hub.learned import SHARE, Figure, Learned
from kobert_pipeline.report.charts import (
    REFERENCE,
    REFERENCE_B,
    TRAIN,
    TRAIN_B,
    VALIDATION,
    VALIDATION_B,
    Chart,
    Line,
    Points,
    Rows,
    line_chart,
    points,
)


@dataclass(frozen=True)
class Run:
    """The course of a pretraining run."""

    name: str
    learned: Learned
    curve: Rows
    """Training figures, every `log_steps`."""
    speed: Rows = field(default_factory=tuple)
    """`tokens_per_second` and `mfu`, from the live log. The log is not part of the artifact and may be missing."""

    def chance(self, figure: Figure) -> tuple[str, float] | None:
        """Name and value of the figure's level of chance; None where it has none."""
        if figure.chance is None:
            return None
        return (self.learned.chance_name if figure == self.learned.headline else "chance"), figure.chance


def read_run(name: str, learned: Learned, folder: Path) -> Run:
    return Run(name, learned, read_rows(folder / "losses.csv"), read_rows(folder / "run" / "speed.csv"))


def read_rows(path: Path) -> list[dict[str, float]]:
    """Empty where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


# --- one run ---------------------------------------------------------------------------------------------------------


def charts(run: Run) -> list[Chart]:
    """Charts without values are left out."""
    found = [_figure_chart(figure, _pair(run, figure), x="step") for figure in run.learned.whole]
    for title, rows, column, percent in (
        ("Learning rate", run.curve, "learning_rate", False),
        ("Tokens per second", run.speed, "tokens_per_second", False),
        ("Share of the hardware's peak (MFU)", run.speed, "mfu", True),
    ):
        found.append(_drawn(title, [Line(title, VALIDATION, points(rows, column))], percent=percent, zero=True))
    return [chart for chart in found if chart]


def _pair(run: Run, figure: Figure) -> list[Line]:
    """Training, validation and chance, by step."""
    trained, validated = points(run.curve, figure.name), points(run.learned.validation, figure.name)
    lines = [Line("training", TRAIN, trained), Line("validation", VALIDATION, validated, marked=True)]
    chance = run.chance(figure)
    if chance is None:
        return lines
    steps = [step for step, _ in (*trained, *validated)]
    ends = (min(steps, default=0), max(steps, default=1))
    return [*lines, Line(chance[0], REFERENCE, [(step, chance[1]) for step in ends], dashed=True)]


def _figure_chart(figure: Figure, lines: Sequence[Line], x: str) -> Chart | None:
    """A share without a level of chance begins at zero."""
    share = figure.unit == SHARE
    title = figure.title if share or not figure.unit else f"{figure.title}, {figure.unit}"
    return _drawn(title, lines, x=x, percent=share, zero=share and figure.chance is None)


def _drawn(
    title: str, lines: Sequence[Line], *, x: str = "step", percent: bool = False, zero: bool = False
) -> Chart | None:
    """None where nothing was measured: a level alone is not a chart."""
    measured = any(line.points and not line.dashed for line in lines)
    return line_chart(title, lines, x=x, percent=percent, zero=zero) if measured else None


# --- two runs --------------------------------------------------------------------------------------------------------

SIDES = ((TRAIN, VALIDATION, REFERENCE), (TRAIN_B, VALIDATION_B, REFERENCE_B))


def both(runs: Sequence[Run]) -> list[Chart]:
    """By tokens seen, which batches of any size have in common. A figure that only one run has is drawn for that run."""
    figures = {figure.name: figure for run in runs for figure in run.learned.whole}
    rates = [
        Line(run.name, side[1], points(run.curve, "learning_rate", "tokens"))
        for run, side in zip(runs, SIDES, strict=False)
    ]
    found = [_figure_chart(figure, _lines_of_both(runs, name), x="tokens") for name, figure in figures.items()]
    found.append(_drawn("Learning rate", rates, x="tokens", zero=True))
    return [chart for chart in found if chart]


def _lines_of_both(runs: Sequence[Run], name: str) -> list[Line]:
    sides = list(zip(runs, SIDES, strict=False))
    trained = [Line(f"{run.name}, training", side[0], points(run.curve, name, "tokens")) for run, side in sides]
    validated = [
        Line(f"{run.name}, validation", side[1], points(run.learned.validation, name, "tokens"), marked=True)
        for run, side in sides
    ]
    return [*trained, *validated, *_chances(runs, name)]


def _chances(runs: Sequence[Run], name: str) -> list[Line]:
    """One level where both runs have the same, otherwise one level per run."""
    found = []
    for run, side in zip(runs, SIDES, strict=False):
        figure = next((figure for figure in run.learned.whole if figure.name == name), None)
        chance = run.chance(figure) if figure else None
        if chance is not None:
            found.append((run.name, chance, side[2]))
    if len({chance for _, chance, _ in found}) == 1:
        words, value = found[0][1]
        return [Line(words, REFERENCE, _level(value), dashed=True)]
    return [Line(f"{run}, {words}", colour, _level(value), dashed=True) for run, (words, value), colour in found]


def _level(value: float) -> Points:
    return [(0, value), (1, value)]
