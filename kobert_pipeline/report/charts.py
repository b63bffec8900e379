"""Curves and histograms as inline SVG. Text stays text, the background is transparent, and colours are the page's CSS
variables, so that a chart follows light and dark. The page shows the names of the lines, because it sets any script well.
Pure: the same values give the same bytes."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.report.bilingual import attribute, say

Rows = Sequence[dict[str, float]]
Points = Sequence[tuple[float, float]]

MOST_POINTS = 600
"""A longer curve is thinned: nobody sees more points, and the page stays small."""
Size = tuple[float, float]
WIDE, SMALL = (374.0, 216.0), (310.0, 190.0)
"""Width and height of a chart in its own units: points, which a phone shows at about one pixel each. A row has two charts, or
three small ones."""

INK, GRID = "#010101", "#020202"
TRAIN, VALIDATION, REFERENCE, CORPUS = "#030303", "#040404", "#050505", "#060606"
TRAIN_B, VALIDATION_B, REFERENCE_B, TOKENIZER = "#070707", "#080808", "#090909", "#0a0a0a"
DATASET, HUB = "#0b0b0b", "#0c0c0c"
COLOURS = {
    INK: "var(--soft)",
    GRID: "var(--line)",
    TRAIN: "var(--train)",
    VALIDATION: "var(--validation)",
    REFERENCE: "var(--reference)",
    CORPUS: "var(--corpora)",
    TRAIN_B: "var(--train-b)",
    VALIDATION_B: "var(--validation-b)",
    REFERENCE_B: "var(--reference-b)",
    TOKENIZER: "var(--tokenizer)",
    DATASET: "var(--dataset)",
    HUB: "var(--hub)",
}
"""Colour for matplotlib -> colour of the page."""
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


@dataclass(frozen=True)
class Line:
    name: str
    colour: str
    """A key of COLOURS."""
    points: Points
    marked: bool = False
    """With a dot at every point, for few points that were each measured."""
    dashed: bool = False
    """A level to compare with, not a measurement."""

    @property
    def css(self) -> str:
        return COLOURS[self.colour]


@dataclass(frozen=True)
class Chart:
    title: str
    svg: str
    lines: tuple[Line, ...] = ()
    """In the order of the key."""
    frame: str = ""
    """JSON for the page's script: the place of the axes in the SVG, their limits, and the points."""
    rows: str = ""
    """JSON for the download of a chart without a frame: the headings, then the rows."""


def points(rows: Rows, y: str, x: str = "step") -> Points:
    """Empty where the column is missing. Values that are not finite, as in a run that diverged, are left out."""
    measured = [row for row in rows if x in row and y in row and math.isfinite(row[y])]
    return [(row[x], row[y]) for row in thinned(measured)]


def thinned(rows: Rows) -> Rows:
    """At most about MOST_POINTS rows, evenly spaced, with the last one."""
    stride = -(-len(rows) // MOST_POINTS) or 1
    return [*rows[:-1:stride], *rows[-1:]]


def line_chart(
    title: str, lines: Sequence[Line], *, x: str = "step", percent: bool = False, zero: bool = False
) -> Chart:
    """Lines without points are left out of chart and key. `percent`: values are shares, 0 to 1. `zero`: the axis begins there."""
    drawn = tuple(line for line in lines if line.points)

    def draw(axes: Any) -> None:
        for line in drawn:
            xs, ys = zip(*line.points, strict=True)
            if line.dashed:
                axes.axhline(ys[0], color=line.colour, linestyle=(0, (4, 3)), linewidth=1.3)
            else:
                marker = {"marker": "o", "markersize": 4.2} if line.marked else {}
                axes.plot(
                    xs, ys, color=line.colour, linewidth=2 if line.marked else 1.2, solid_joinstyle="round", **marker
                )
        if zero:  # a little below it, so that a line at zero is drawn whole
            axes.set_ylim(bottom=-0.025 * axes.get_ylim()[1])
        axes.grid(visible=True, axis="y")
        axes.set_axisbelow(True)
        axes.set_xlabel(x)
        axes.margins(x=0.02)
        axes.xaxis.set_major_locator(_ticks(5))
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
        axes.yaxis.set_major_locator(_ticks(5))
        axes.yaxis.set_major_formatter(
            (lambda value, _: f"{100 * value:.0f} %") if percent else lambda value, _: short(value)
        )

    svg, box, limits = _svg(draw, title, x)
    lines_drawn = [_content(line) for line in drawn]
    frame = {"box": box, "limits": limits, "x": say(x).pair, "percent": percent, "lines": lines_drawn}
    return Chart(say(title), svg, drawn, json.dumps(frame, ensure_ascii=False, separators=(",", ":")))


def _content(line: Line) -> dict[str, Any]:
    """What the page's script reads of a line."""
    points = [[_round(x), _round(y)] for x, y in line.points]
    return {"name": say(line.name).pair, "colour": line.css, "level": line.dashed, "points": points}


def histogram(title: str, labels: Sequence[str], shares: Sequence[float], x: str) -> Chart:
    """Bars of equal width, one per label; `shares` add up to 1. Labels that would touch are left out."""

    def draw(axes: Any) -> None:
        axes.bar(range(len(shares)), shares, width=0.86, color=CORPUS)
        stride = -(-len(labels) // 9)
        axes.set_xticks(range(0, len(labels), stride), labels[::stride])
        axes.grid(visible=True, axis="y")
        axes.set_axisbelow(True)
        axes.set_xlabel(x)
        axes.margins(x=0.01)
        axes.yaxis.set_major_locator(_ticks(4))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")

    rows = [[x, "share"], *([label, _round(share)] for label, share in zip(labels, shares, strict=True))]
    return Chart(say(title), _svg(draw, title, x, SMALL)[0], rows=json.dumps(rows, ensure_ascii=False))


@dataclass(frozen=True)
class Dot:
    label: str
    """Short: it is shown next to the dot, and in a table next to the chart."""
    x: float
    y: float
    colour: str
    """A key of COLOURS."""


NEAR = 0.04
"""Share of an axis: dots that are nearer to each other on both axes have one label."""


def scatter(title: str, dots: Sequence[Dot], *, x: str) -> Chart:
    """Labelled dots; dots at about the same place have one label."""

    def draw(axes: Any) -> None:
        for dot in reversed(dots):  # the first on top
            axes.plot([dot.x], [dot.y], marker="o", markersize=7, color=dot.colour)
        for dot, text in labels(dots):
            axes.annotate(text, (dot.x, dot.y), xytext=(6, 4), textcoords="offset points", color=dot.colour)
        axes.grid(visible=True)
        axes.set_axisbelow(True)
        axes.set_xlabel(x)
        axes.margins(0.12)
        axes.xaxis.set_major_locator(_ticks(5))
        axes.yaxis.set_major_locator(_ticks(5))

    return Chart(say(title), _svg(draw, title, x, SMALL)[0])


def labels(dots: Sequence[Dot]) -> list[tuple[Dot, str]]:
    """The dots that have a label, and the label: `1`, or `2, 3` for two dots at one place."""
    width, height = (max(values) - min(values) for values in ([dot.x for dot in dots], [dot.y for dot in dots]))
    found: list[tuple[Dot, str]] = []
    for dot in dots:
        for number, (other, text) in enumerate(found):
            if abs(dot.x - other.x) <= NEAR * width and abs(dot.y - other.y) <= NEAR * height:
                found[number] = other, f"{text}, {dot.label}"
                break
        else:
            found.append((dot, dot.label))
    return found


def short(value: float) -> str:
    """`0.0005`, `7.5`, `4,000`, `2.5 M`: the number on an axis."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def _round(value: float) -> float:
    return float(f"{value:.5g}") if abs(value) < 1e5 else round(value)


def _ticks(number: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(number, steps=[1, 2, 2.5, 5, 10])


def _svg(draw: Callable[[Any], None], label: str, x: str, size: Size = WIDE) -> tuple[str, list[float], list[float]]:
    """The element; left, right, top and bottom of the axes in its units; the limits of x and y. `x`: what the axis is called."""
    import matplotlib
    from matplotlib.figure import Figure

    # The salt gives ids that are the same every time and differ from those of other charts.
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": label}):
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
        place = axes.get_position()
    box = [place.x0 * size[0], place.x1 * size[0], (1 - place.y1) * size[1], (1 - place.y0) * size[1]]
    limits = [*axes.get_xlim(), *axes.get_ylim()]
    return (
        inline(buffer.getvalue(), label).replace(f">{x}</text>", f">{say(x).svg}</text>"),
        [round(value, 2) for value in box],
        [float(f"{value:.6g}") for value in limits],
    )


def inline(svg: str, label: str) -> str:
    """Makes matplotlib's SVG document an element of an HTML page: no prolog, no namespaces, no size, no repeated ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(
        r'<svg[^>]*viewBox="([^"]*)"[^>]*>',
        rf'<svg viewBox="\1" role="img"{attribute("aria-label", label)}>',
        svg,
        count=1,
    )
    svg = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", svg)
    for drawn, shown in COLOURS.items():
        svg = svg.replace(drawn, shown)
    return svg.strip()
