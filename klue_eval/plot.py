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
        axes.set_xlabel("sample: these scores mean nothing" if sample else "score; ours are of dev")
        axes.grid(axis="y", linewidth=0.4)
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        buffer = io.StringIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # letters are written, not drawn: the reader's font has them
            figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


def _published(axes: Any, rows: list[ScoreRow]) -> None:
    """Scores of dev are darker than those of test."""
    for split, colour in (("test", "0.8"), ("dev", "0.5")):
        found = [row for row in rows if row.split == split]
        points = [(cell.value, line) for row in found for line, cell in enumerate(row.cells) if cell.value is not None]
        if points:
            values, lines = zip(*points, strict=True)
            axes.scatter(values, lines, color=colour, s=14, label=f"published, {split}")


def _ours(axes: Any, row: ScoreRow) -> None:
    points = [(cell.value, line, cell.spread or 0.0) for line, cell in enumerate(row.cells) if cell.value is not None]
    means, lines, spreads = zip(*points, strict=True)
    label = f"{row.name} ({row.protocol})"
    axes.errorbar(means, lines, xerr=spreads, fmt="o", markersize=4, linewidth=1, label=label)
