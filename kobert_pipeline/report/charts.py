"""Charts as inline SVG. Text stays text, the background is transparent, and colours are the page's CSS variables, so that
a chart follows light and dark. Pure: the same rows give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

Rows = Sequence[dict[str, float]]

MOST_POINTS = 1_000
"""A longer curve is thinned: nobody sees more, and the page stays small."""
INK, TRAIN, HELD_OUT, ENTROPY, GRID = "#010101", "#020202", "#030303", "#040404", "#050505"
COLOURS = {
    INK: "currentColor",
    TRAIN: "var(--train)",
    HELD_OUT: "var(--held-out)",
    ENTROPY: "var(--entropy)",
    GRID: "var(--line)",
}
"""What matplotlib is told -> what the page says."""
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def loss_chart(curve: Rows, held_out: Rows, entropy: float, loss: str) -> str:
    """The training curve, the held-out points and the unigram entropy, in nats."""

    def draw(axes: Any) -> None:
        rows = [row for row in thinned(curve) if loss in row]
        axes.plot(
            [row["step"] for row in rows], [row[loss] for row in rows], color=TRAIN, linewidth=1.4, label="training"
        )
        points = [row for row in held_out if loss in row]
        axes.plot(
            [row["step"] for row in points],
            [row[loss] for row in points],
            color=HELD_OUT,
            marker="o",
            markersize=4,
            linewidth=1.4,
            label="held out",
        )
        axes.axhline(entropy, color=ENTROPY, linestyle="--", linewidth=1.2, label="unigram entropy")
        axes.set_ylabel(f"{loss} loss (nats)")
        axes.legend(frameon=False)

    return _svg(draw, "Loss by step: training, held out, unigram entropy")


def learning_rate_chart(curve: Rows) -> str:
    def draw(axes: Any) -> None:
        rows = thinned(curve)
        axes.plot([row["step"] for row in rows], [row["learning_rate"] for row in rows], color=TRAIN, linewidth=1.6)
        axes.set_ylabel("learning rate")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")

    return _svg(draw, "Learning rate by step")


def thinned(rows: Rows) -> Rows:
    """At most about MOST_POINTS rows, evenly, the last one among them."""
    stride = -(-len(rows) // MOST_POINTS) or 1
    return [*rows[:-1:stride], *rows[-1:]]


def _svg(draw: Any, label: str) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        SETTINGS | {"svg.hashsalt": label}
    ):  # ids that are the same every time, and no other chart's
        figure = Figure(figsize=(5.6, 3.3), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("step")
        draw(axes)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return inline(buffer.getvalue(), label)


def inline(svg: str, label: str) -> str:
    """matplotlib's SVG document as an element of an HTML page: no prolog, no namespaces, no size, no repeated ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(
        r'<svg[^>]*viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-label="{label}">', svg, count=1
    )
    svg = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", svg)
    for told, shown in COLOURS.items():
        svg = svg.replace(told, shown)
    return svg.strip()
