"""The curves of a pretraining run, or of two runs in one chart: one chart for each figure that the objective names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kobert_pipeline.ground.contents.pretrained_run import Figure, PretrainedRun, PretrainedSummary
from kobert_pipeline.report.bilingual import Said, joined
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

SHARE = "share"


@dataclass(frozen=True)
class Course:
    """What a pretraining run logged on its way."""

    name: str
    summary: PretrainedSummary
    curve: Rows
    """Training figures, every `log_steps`."""
    speed: Rows = field(default_factory=tuple)
    """Speed, memory and gradient norm, from the live log. The log is not part of the artifact and may be missing."""

    def levels(self, figure: Figure) -> list[tuple[str, float]]:
        """Name and value of what the figure is compared with: chance, and a simple model."""
        if figure.name == self.summary.headline:
            return [(level.name, level.value) for level in self.summary.levels]
        return [] if figure.chance is None else [("chance", figure.chance)]


def course_of(name: str, run: PretrainedRun) -> Course:
    return Course(name, run.summary, run.curve(), run.speed())


# --- one run ---------------------------------------------------------------------------------------------------------


def charts(run: Course) -> list[Chart]:
    """Charts without values are left out."""
    found = [_figure_chart(figure, _pair(run, figure), x="step") for figure in run.summary.overall]
    for title, rows, column, percent in (
        ("Learning rate", run.curve, "learning_rate", False),
        ("Gradient norm, before clipping", run.speed, "gradient_norm", False),
        ("Tokens per second", run.speed, "tokens_per_second", False),
        ("Memory, MiB", run.speed, "memory_mib", False),
        ("Share of the hardware's peak (MFU)", run.speed, "mfu", True),
    ):
        found.append(_drawn(title, [Line(title, VALIDATION, points(rows, column))], percent=percent, zero=True))
    return [chart for chart in found if chart]


def _pair(run: Course, figure: Figure) -> list[Line]:
    """Training, validation and the levels to compare with, by step."""
    trained, validated = points(run.curve, figure.name), points(run.summary.validation, figure.name)
    lines = [Line("training", TRAIN, trained), Line("validation", VALIDATION, validated, marked=True)]
    steps = [step for step, _ in (*trained, *validated)]
    ends = (min(steps, default=0), max(steps, default=1))
    levels = zip(run.levels(figure), (REFERENCE, REFERENCE_B), strict=False)
    return [*lines, *(Line(name, colour, [(step, at) for step in ends], dashed=True) for (name, at), colour in levels)]


def _figure_chart(figure: Figure, lines: Sequence[Line], x: str) -> Chart | None:
    """The axis of a share without a level of chance begins at zero."""
    share = figure.unit == SHARE
    return _drawn(titled(figure), lines, x=x, percent=share, zero=share and figure.chance is None)


def titled(figure: Figure) -> Said:
    """`Masked language model loss, nats`; a share has its unit on the axis."""
    return joined([figure.title] if figure.unit in (SHARE, "") else [figure.title, figure.unit])


def _drawn(
    title: str, lines: Sequence[Line], *, x: str = "step", percent: bool = False, zero: bool = False
) -> Chart | None:
    """None where nothing was measured: a level alone is not a chart."""
    measured = any(line.points and not line.dashed for line in lines)
    return line_chart(title, lines, x=x, percent=percent, zero=zero) if measured else None


# --- two runs --------------------------------------------------------------------------------------------------------

SIDES = ((TRAIN, VALIDATION, REFERENCE), (TRAIN_B, VALIDATION_B, REFERENCE_B))


def both(runs: Sequence[Course]) -> list[Chart]:
    """By tokens seen, which batches of any size have in common. A figure that only one run has is drawn for that run."""
    figures = {figure.name: figure for run in runs for figure in run.summary.overall}
    rates = [
        Line(run.name, side[1], points(run.curve, "learning_rate", "tokens"))
        for run, side in zip(runs, SIDES, strict=False)
    ]
    found = [_figure_chart(figure, _lines_of_both(runs, name), x="tokens") for name, figure in figures.items()]
    found.append(_drawn("Learning rate", rates, x="tokens", zero=True))
    return [chart for chart in found if chart]


def _lines_of_both(runs: Sequence[Course], name: str) -> list[Line]:
    sides = list(zip(runs, SIDES, strict=False))
    trained = [Line(joined([run.name, "training"]), side[0], points(run.curve, name, "tokens")) for run, side in sides]
    validated = [
        Line(joined([run.name, "validation"]), side[1], points(run.summary.validation, name, "tokens"), marked=True)
        for run, side in sides
    ]
    return [*trained, *validated, *_levels(runs, name)]


def _levels(runs: Sequence[Course], name: str) -> list[Line]:
    """One line for a level that all runs with this figure have, otherwise one line per run."""
    found = [
        (run.name, side[2], run.levels(figure))
        for run, side in zip(runs, SIDES, strict=False)
        for figure in run.summary.overall
        if figure.name == name
    ]
    shared = [level for level in found[0][2] if all(level in levels for _, _, levels in found)]
    own = [(run, colour, level) for run, colour, levels in found for level in levels if level not in shared]
    return [
        *(Line(words, REFERENCE, _level(value), dashed=True) for words, value in shared),
        *(Line(joined([run, words]), colour, _level(value), dashed=True) for run, colour, (words, value) in own),
    ]


def _level(value: float) -> Points:
    return [(0, value), (1, value)]
