"""The KLUE scores of a run, or of two, as marks on a scale. Pure: it draws what `score_table` lays out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from klue_eval.published import COLUMNS
from kobert_pipeline.ground.contents.score_table import Cell, Kind, ScoreTable
from kobert_pipeline.ground.contents.scores import Column

MarkKind: TypeAlias = Literal["model", "other", "random", "baseline", "published"]
"""`other` is the second run."""


@dataclass(frozen=True)
class Mark:
    """A score on the scale of 0 to 100."""

    kind: MarkKind
    name: str
    value: float
    spread: float | None = None
    """Standard deviation over seeds."""

    @property
    def text(self) -> str:
        return Cell(self.value, self.spread).text

    @property
    def place(self) -> float:
        """The value, moved to the nearer end of the scale if it is outside: a correlation may be negative."""
        return _on_scale(self.value)

    @property
    def bar(self) -> tuple[float, float]:
        """Left end and width of the error bar, cut at the ends of the scale."""
        spread = self.spread or 0.0
        left, right = _on_scale(self.value - spread), _on_scale(self.value + spread)
        return left, right - left

    @property
    def past_left(self) -> bool:
        """Whether the error bar goes on beyond the scale."""
        return self.value - (self.spread or 0.0) < 0

    @property
    def past_right(self) -> bool:
        return self.value + (self.spread or 0.0) > 100


def _on_scale(value: float) -> float:
    return min(100.0, max(0.0, value))


@dataclass(frozen=True)
class Track:
    """One metric of one task."""

    column: Column
    marks: list[Mark] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.column.title

    def of(self, kind: str) -> Mark | None:
        return next((mark for mark in self.marks if mark.kind == kind), None)


@dataclass(frozen=True)
class Panel:
    """All metrics under one protocol."""

    protocol: str
    train_rows: str
    """`1,000`, or `all`."""
    seeds: str
    tracks: list[Track]


def panels(*tables: ScoreTable) -> list[Panel]:
    """The tables of one run, or of two. Of two, only the first shows its baseline, and neither the model without
    pretraining and the published ones."""
    names = dict.fromkeys(name for table in tables for name in table.protocols)
    return [_panel(name, tables) for name in names]


def _panel(protocol: str, tables: Sequence[ScoreTable]) -> Panel:
    parts = [table.under(protocol) for table in tables]
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    tracks = [Track(column, list(_marks(column, tables, parts))) for column in sorted(columns, key=_place)]
    first = next(part for part in parts if part.rows).rows[0]
    return Panel(protocol, first.train_rows, first.seeds, tracks)


def _marks(column: Column, tables: Sequence[ScoreTable], parts: Sequence[ScoreTable]) -> Iterator[Mark]:
    """Published scores first, so that the others are drawn over them."""
    alone = len(tables) == 1
    wanted: tuple[tuple[int, Kind, MarkKind], ...] = (
        ((0, "random", "random"), (0, "baseline", "baseline"), (0, "model", "model"))
        if alone
        else ((0, "baseline", "baseline"), (0, "model", "model"), (1, "model", "other"))
    )
    if alone:
        place = tables[0].columns.index(column)
        for row in tables[0].rows:
            if row.kind == "published" and (value := row.cells[place].value) is not None:
                yield Mark("published", row.name, value)
    for number, kind, shown in wanted:
        cell = parts[number].cell(kind, column)
        if cell.value is not None:
            name = next(row.name for row in parts[number].rows if row.kind == kind)
            yield Mark(shown, name, cell.value, cell.spread)


def leading(table: ScoreTable) -> list[tuple[Panel, Track]]:
    """The first metric of each task, under the last protocol that has it."""
    found: dict[str, tuple[Panel, Track]] = {}
    for panel in panels(table):
        found |= {track.column.task: (panel, track) for track in reversed(panel.tracks)}
    return sorted(found.values(), key=lambda pair: _place(pair[1].column))


def _place(column: Column) -> int:
    """In the published table; other metrics come after it."""
    key = (column.task, column.metric)
    return COLUMNS.index(key) if key in COLUMNS else len(COLUMNS)
