"""The one layout of a score table. Markdown, the model card and the page only format what is here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

from kobert_pipeline.ground.contents.scores import (
    DEV,
    OWN,
    PRETRAINED,
    RANDOM,
    Column,
    Figures,
    ProtocolSettings,
    Result,
    ScoreSummary,
)

Kind: TypeAlias = Literal[
    "model", "model_best", "model_corrected", "random", "random_best", "random_corrected", "baseline", "published"
]
FROZEN: Mapping[str, str] = {"features": ", frozen: last four layers", "probe": ", frozen: linear probe"}
"""How a row says that the encoder was not fine-tuned."""
BASELINE = "character TF-IDF"
HELD_OUT = "held_out"
HELD_OUT_WORDS = "held-out 20 %"
NOTHING = "–"


@dataclass(frozen=True)
class PublishedModel:
    """Scores that others have published, given by the caller."""

    name: str
    split: str
    """The rows that were scored: `dev` or `test`."""
    source: str
    """Where the scores are published, and how they were chosen."""
    scores: Mapping[tuple[str, str], float]
    """Task and metric -> score."""


@dataclass(frozen=True)
class Cell:
    """A score, and its standard deviation over three seeds or more."""

    value: float | None = None
    spread: float | None = None

    @property
    def text(self) -> str:
        if self.value is None:
            return NOTHING
        return f"{self.value:.2f}" + ("" if self.spread is None else f" ± {self.spread:.2f}")


@dataclass(frozen=True)
class ScoreRow:
    """One model under one protocol."""

    name: str
    """Of a published model with its split: the same one may be there twice."""
    kind: Kind
    protocol: str
    """Empty for published models."""
    split: str
    train_rows: str
    """`1,000`, or `all`."""
    seeds: str
    training: str
    """`finetune`, or `features` and `probe`, which freeze the encoder."""
    cells: tuple[Cell, ...]
    """One for each column of the table."""
    source: str = ""
    """Where a published row is from."""


@dataclass(frozen=True)
class ScoreTable:
    columns: tuple[Column, ...]
    rows: tuple[ScoreRow, ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.protocol for row in self.rows if row.protocol))

    def under(self, protocol: str) -> ScoreTable:
        """The rows of one protocol, and the columns in which one of them has a score."""
        rows = [row for row in self.rows if row.protocol == protocol]
        used = [place for place in range(len(self.columns)) if any(row.cells[place].value is not None for row in rows)]
        return ScoreTable(
            tuple(self.columns[place] for place in used),
            tuple(replace(row, cells=tuple(row.cells[place] for place in used)) for row in rows),
        )

    def cell(self, kind: Kind, column: Column) -> Cell:
        """The first one of that kind; an empty cell if the table has none."""
        if column not in self.columns:
            return Cell()
        place = self.columns.index(column)
        return next((row.cells[place] for row in self.rows if row.kind == kind), Cell())


def score_table(
    scores: ScoreSummary, published: Sequence[PublishedModel] = (), model: str = "this model"
) -> ScoreTable:
    """For each protocol `model`, the same architecture without pretraining and the baseline; then published models."""
    rows = [row for name, settings in scores.protocols.items() for row in _own_rows(scores, name, settings, model)]
    return ScoreTable(scores.columns, (*rows, *_published_rows(scores, published)))


def _own_rows(scores: ScoreSummary, protocol: str, settings: ProtocolSettings, model: str) -> Iterator[ScoreRow]:
    train_rows = "all" if settings.train_rows is None else f"{settings.train_rows:,}"
    split = OWN if {result.split for result in scores.results} == {OWN} else DEV
    row = partial(ScoreRow, protocol=protocol, split=split, train_rows=train_rows, training=settings.training)
    for initialisation in settings.initialisations:
        results = {
            entry.task: entry
            for entry in scores.results
            if (entry.protocol, entry.initialisation) == (protocol, initialisation)
        }
        name = _name(initialisation, settings, model)
        for suffix, kind, cells in _scorings(scores.columns, results, initialisation):
            yield row(name + suffix, kind, seeds=str(settings.seeds), cells=cells)
    baseline = scores.baseline.get(protocol)
    if baseline:
        cells = tuple(Cell(baseline.get(column.task, {}).get(column.metric)) for column in scores.columns)
        yield row(BASELINE, "baseline", seeds=NOTHING, cells=cells)


def _name(initialisation: str, settings: ProtocolSettings, model: str) -> str:
    name = model if initialisation == PRETRAINED else "same architecture, not pretrained"
    together = f", {len(settings.multitask)} tasks at once" if settings.multitask else ""
    return name + FROZEN.get(settings.training, "") + together


def _scorings(
    columns: tuple[Column, ...], results: Mapping[str, Result], initialisation: str
) -> Iterator[tuple[str, Kind, tuple[Cell, ...]]]:
    """The last checkpoint, the best one, and the corrected metrics of the last, if a task has them."""
    if not results:
        return
    kinds: tuple[Kind, Kind, Kind] = (
        ("random", "random_best", "random_corrected")
        if initialisation == RANDOM
        else ("model", "model_best", "model_corrected")
    )
    yield "", kinds[0], tuple(_last(results, column, corrected=False) for column in columns)
    yield ", best checkpoint", kinds[1], tuple(_best(results, column) for column in columns)
    if any(result.corrected for result in results.values()):
        yield ", corrected", kinds[2], tuple(_last(results, column, corrected=True) for column in columns)


def _last(results: Mapping[str, Result], column: Column, *, corrected: bool) -> Cell:
    """The corrected score is the official one if the two are equal by definition."""
    if column.task not in results:
        return Cell()
    result = results[column.task]
    figures: Figures = ((result.corrected if corrected else {}) or result.metrics)[column.metric]
    return Cell(figures.last_mean, figures.spread)


def _best(results: Mapping[str, Result], column: Column) -> Cell:
    return Cell(results[column.task].metrics[column.metric].best_mean) if column.task in results else Cell()


def _published_rows(scores: ScoreSummary, published: Sequence[PublishedModel]) -> Iterator[ScoreRow]:
    """Of models that were trained on all rows. Only columns in which all rows of a split were scored have published scores beside
    them; the sample, whose scores mean nothing, has none."""
    parts = {result.task for result in scores.results if result.split == HELD_OUT}
    parts |= {task for task, splits in scores.parts.items() if DEV in splits}
    for model in () if scores.sample else published:
        known = {key: score for key, score in model.scores.items() if key[0] not in parts}
        cells = tuple(Cell(known.get((column.task, column.metric))) for column in scores.columns)
        if any(cell.value is not None for cell in cells):
            name = f"{model.name}, {model.split}"
            yield ScoreRow(name, "published", "", model.split, "all", NOTHING, "finetune", cells, model.source)


# --- how each score was reached ---------------------------------------------------------------------------------------

SETTINGS_TITLES = ("protocol", "task", "initialisation", "training rows", "scored rows", "seeds", "rate × epochs")


def settings_rows(scores: ScoreSummary) -> tuple[tuple[str, ...], ...]:
    """A row for each result, under SETTINGS_TITLES."""
    return tuple(_settings_row(result) for result in scores.results)


def _settings_row(result: Result) -> tuple[str, ...]:
    split = HELD_OUT_WORDS if result.split == HELD_OUT else result.split
    return (
        result.protocol,
        result.title,
        result.initialisation,
        f"{result.train_rows:,}",
        f"{result.dev_rows:,} ({split}){_unknown(result)}",
        str(result.seeds),
        f"{result.learning_rate:g} × {result.epochs}{_mixed(result)}",
    )


def _mixed(result: Result) -> str:
    """How many of the steps of a mixture were of this task."""
    return "" if result.mixture is None else f", {result.mixture.steps:,} of {result.mixture.all_steps:,} steps"


def _unknown(result: Result) -> str:
    share = result.unknown_share.get("scored")
    return "" if share is None else f", [UNK] {share:.2%}".replace("%", " %")
