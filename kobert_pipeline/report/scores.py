"""The KLUE scores of a run, or of two, laid out for the page: marks on a scale, and the table beside published ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from klue_eval.published import COLUMNS, PUBLISHED, published_score
from kobert_pipeline.hub.facts import ScoreRow
from kobert_pipeline.report.corpus import shortened
from kobert_pipeline.report.numbers import shown_metric


@dataclass(frozen=True)
class Mark:
    """A score on the scale of 0 to 100."""

    kind: str
    """`model`, `other` (the second run), `random`, `floor` or `published`."""
    name: str
    value: float
    spread: float | None = None
    """Standard deviation over seeds."""

    @property
    def text(self) -> str:
        return f"{self.value:.2f}" + ("" if self.spread is None else f" ± {self.spread:.2f}")

    @property
    def place(self) -> float:
        """On the scale; a correlation may lie below it."""
        return _on_scale(self.value)

    @property
    def bar(self) -> tuple[float, float]:
        """Left end and width of the error bar, cut at the ends of the scale."""
        spread = self.spread or 0.0
        left, right = _on_scale(self.value - spread), _on_scale(self.value + spread)
        return left, right - left


def _on_scale(value: float) -> float:
    return min(100.0, max(0.0, value))


@dataclass(frozen=True)
class Track:
    """One metric of one task."""

    task: str
    metric: str
    marks: list[Mark] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.task.upper()} {shown_metric(self.metric)}"

    def of(self, kind: str) -> Mark | None:
        return next((mark for mark in self.marks if mark.kind == kind), None)


@dataclass(frozen=True)
class Panel:
    """All metrics under one protocol."""

    protocol: str
    train_rows: list[int]
    """Of the tasks, without repetition."""
    seeds: int
    tracks: list[Track]


def panels(*runs: tuple[str, Sequence[ScoreRow]]) -> list[Panel]:
    """`runs`: name and scores of one run, or of two; what is not pretrained and the floor are the first run's."""
    names = list(dict.fromkeys(row.protocol for _, rows in runs for row in rows))
    return [_panel(name, runs) for name in names]


def _panel(protocol: str, runs: Sequence[tuple[str, Sequence[ScoreRow]]]) -> Panel:
    tracks: dict[tuple[str, str], Track] = {}
    rows = [row for _, scored in runs for row in scored if row.protocol == protocol]
    for task, metric in columns(rows):
        tracks[task, metric] = Track(task, metric)
    for track in tracks.values():
        track.marks.extend(_published(track) if len(runs) == 1 else ())
        for kind, (name, scored) in zip(("model", "other"), runs, strict=False):
            own = [
                row for row in scored if (row.protocol, row.task, row.metric) == (protocol, track.task, track.metric)
            ]
            track.marks.extend(_marks(kind, name, own, alone=len(runs) == 1))
    return Panel(
        protocol, sorted({row.train_rows for row in rows}), max(row.seeds for row in rows), list(tracks.values())
    )


def leading(scores: Sequence[ScoreRow]) -> list[tuple[Panel, Track]]:
    """Each task's first metric, under the last protocol that has it."""
    found: dict[str, tuple[Panel, Track]] = {}
    for panel in panels(("", scores)):
        found |= {track.task: (panel, track) for track in reversed(panel.tracks)}
    return sorted(found.values(), key=lambda pair: _place((pair[1].task, pair[1].metric)))


def _published(track: Track) -> Iterable[Mark]:
    for model in PUBLISHED:
        value = published_score(model, track.task, track.metric)
        if value is not None:
            yield Mark("published", model, value)


def _marks(kind: str, name: str, rows: Sequence[ScoreRow], *, alone: bool) -> Iterable[Mark]:
    found = {row.initialisation: row for row in rows}
    if alone and "random" in found:
        yield Mark("random", "same architecture, not pretrained", found["random"].last_mean, found["random"].last_std)
    floor = next((row.floor for row in rows if row.floor is not None), None)
    if floor is not None and kind == "model":
        yield Mark("floor", "character TF-IDF", floor)
    if "pretrained" in found:
        yield Mark(kind, name, found["pretrained"].last_mean, found["pretrained"].last_std)


# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableRow:
    name: str
    kind: str
    """As a mark's."""
    split: str
    rows: str
    cells: list[str]


def columns(scores: Sequence[ScoreRow]) -> list[tuple[str, str]]:
    """Task and metric, in the order of the published table; others behind."""
    found = list(dict.fromkeys((row.task, row.metric) for row in scores))
    return sorted(found, key=_place)


def _place(column: tuple[str, str]) -> int:
    return COLUMNS.index(column) if column in COLUMNS else len(COLUMNS)


def table(model: str, scores: Sequence[ScoreRow]) -> list[TableRow]:
    """This model, the same without pretraining, the floor, and published models, in the table's columns."""
    wanted = columns(scores)
    rows = []
    for panel in panels((model, scores)):
        tracks = {(track.task, track.metric): track for track in panel.tracks}
        for kind in ("model", "random", "floor"):
            marks = [tracks[column].of(kind) if column in tracks else None for column in wanted]
            if named := next((mark.name for mark in marks if mark), None):
                cells = [mark.text if mark else "–" for mark in marks]
                rows.append(TableRow(named, kind, "dev", panel.protocol, cells))
    for name in PUBLISHED:
        values = [published_score(name, *column) for column in wanted]
        if any(value is not None for value in values):
            cells = ["–" if value is None else f"{value:.2f}" for value in values]
            rows.append(TableRow(name, "published", "test", "all rows", cells))
    return rows


# --- mistakes --------------------------------------------------------------------------------------------------------

MOST_LABELS = 12
"""A larger matrix cannot be read on a page."""


@dataclass(frozen=True)
class Confusion:
    labels: list[str]
    counts: list[list[int]]
    """Rows are gold labels, columns predictions."""

    def share(self, row: int, column: int) -> float:
        """Of the gold label's rows, 0 to 1."""
        return self.counts[row][column] / max(1, sum(self.counts[row]))


@dataclass(frozen=True)
class Wrong:
    """A row of the dataset that the model gets wrong."""

    texts: list[str]
    gold: str
    prediction: str


@dataclass(frozen=True)
class Analysis:
    """Where a model errs, in one task."""

    title: str
    metric: str
    confusion: Confusion | None
    by_length: list[tuple[str, int, float]]
    """Characters, rows, score."""
    worst: list[Wrong]


def analyses(content: Mapping[str, Any], *, worst: int) -> list[Analysis]:
    """Those of the pretrained model in the evaluation's `analysis.json`, in order."""
    return [_analysis(entry, worst) for entry in content["results"] if entry["initialisation"] == "pretrained"]


def _analysis(entry: Mapping[str, Any], worst: int) -> Analysis:
    metric, matrix = entry["primary_metric"], entry["confusion"]
    return Analysis(
        f"{entry['task'].upper()}, {entry['protocol']}" + (f", {entry['split']}" if entry["split"] != "dev" else ""),
        shown_metric(metric),
        Confusion(matrix["labels"], matrix["counts"]) if matrix and len(matrix["labels"]) <= MOST_LABELS else None,
        [
            (f"{group['from']:,}–{group['to']:,}", group["rows"], group["scores"][metric])
            for group in entry["by_length"]
        ],
        [
            Wrong(_texts(row["texts"]), _answer(row["gold"]), _answer(row["prediction"]))
            for row in entry["worst"][:worst]
        ],
    )


def _answer(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else shortened(str(value))


def _texts(named: Mapping[str, Any]) -> list[str]:
    """One text as it is; several with their names."""
    return [shortened(str(text) if len(named) == 1 else f"{name}: {text}") for name, text in named.items()]
