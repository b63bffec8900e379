"""The table as a picture: this model's scores among the published ones, a line a metric. Pure: equal scores, equal bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from klue_eval.published import PUBLISHED, published_score
from klue_eval.results import column_titles, columns_of, model_name

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kobert",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
LINE = 0.32
"""Inches a metric."""


def draw_scores(summary: Mapping[str, Any]) -> str:
    """An SVG document. Published scores are grey; ours are dots with the deviation over seeds, a colour a protocol."""
    import matplotlib
    from matplotlib.figure import Figure

    columns = columns_of(summary)
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(8, 1.6 + LINE * len(columns)), layout="constrained")
        axes = figure.subplots()
        _published(axes, columns)
        _ours(axes, summary, columns)
        axes.set_yticks(range(len(columns)), column_titles(summary, columns))
        axes.invert_yaxis()
        axes.set_xlabel("sample: these scores mean nothing" if summary["sample"] else "ours: dev; published: test")
        axes.grid(axis="y", linewidth=0.4)
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


def _published(axes: Any, columns: list[tuple[str, str]]) -> None:
    points = [
        (score, place)
        for place, column in enumerate(columns)
        for model in PUBLISHED
        if (score := published_score(model, *column)) is not None
    ]
    axes.scatter([point[0] for point in points], [point[1] for point in points], color="0.7", s=14, label="published")


def _ours(axes: Any, summary: Mapping[str, Any], columns: list[tuple[str, str]]) -> None:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in summary["results"]:
        name = model_name(entry["initialisation"], summary["protocols"][entry["protocol"]])
        groups.setdefault(f"{name} ({entry['protocol']})", []).append(entry)
    for name, entries in groups.items():
        points = [
            (entry["metrics"][metric]["last_mean"], place, entry["metrics"][metric]["last_std"] or 0.0)
            for entry in entries
            for place, (task, metric) in enumerate(columns)
            if task == entry["task"]
        ]
        means, places, spreads = zip(*points, strict=True)
        axes.errorbar(means, places, xerr=spreads, fmt="o", markersize=4, linewidth=1, label=name)
