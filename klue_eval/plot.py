"""The score table as a picture: a line for each metric, our scores among the published ones. Pure: equal scores give
equal bytes."""

from __future__ import annotations

import io
import warnings
from typing import Any

from kobert_pipeline.ground.contents.score_table import ScoreRow, ScoreTable

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kobert",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
LINE = 0.32
"""Inches for each metric."""
DRAWN = ("model", "random")
"""The rows of ours that are drawn: official scores of the last checkpoint."""


def draw_scores(table: ScoreTable, *, sample: bool) -> str:
    """Returns an SVG document. Published scores are grey. Ours have a colour for each row, and bars for the deviation
    over seeds. `sample`: the picture says that the scores mean nothing."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(8, 1.6 + LINE * len(table.columns)), layout="constrained")
        axes = figure.subplots()
        _published(axes, [row for row in table.rows if row.kind == "published"])
        for row in table.rows:
            if row.kind in DRAWN:
                _ours(axes, row)
        axes.set_yticks(range(len(table.columns)), [column.title for column in table.columns])
        axes.invert_yaxis()
        axes.set_xlabel("sample: these scores mean nothing" if sample else "ours: dev; published: test or (dev)")
        axes.grid(axis="y", linewidth=0.4)
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        buffer = io.StringIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # letters are written, not drawn: the reader's font has them
            figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


def _published(axes: Any, rows: list[ScoreRow]) -> None:
    points = [(cell.value, line) for row in rows for line, cell in enumerate(row.cells) if cell.value is not None]
    axes.scatter([point[0] for point in points], [point[1] for point in points], color="0.7", s=14, label="published")


def _ours(axes: Any, row: ScoreRow) -> None:
    points = [(cell.value, line, cell.spread or 0.0) for line, cell in enumerate(row.cells) if cell.value is not None]
    means, lines, spreads = zip(*points, strict=True)
    label = f"{row.name} ({row.protocol})"
    axes.errorbar(means, lines, xerr=spreads, fmt="o", markersize=4, linewidth=1, label=label)
