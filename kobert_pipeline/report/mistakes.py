"""Where a model errs, laid out for the page: the confusion of labels, scores by length, and the worst rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpora.personal_data import mask
from kobert_pipeline.ground.contents.scores import DEV, OWN, PRETRAINED
from kobert_pipeline.report.corpus_section import shortened
from kobert_pipeline.report.numbers import shown_metric

MOST_LABELS = 12
"""A page cannot show a larger matrix."""


@dataclass(frozen=True)
class Confusion:
    labels: list[str]
    counts: list[list[int]]
    """Rows are gold labels, columns predictions."""

    def share(self, row: int, column: int) -> float:
        """Share of the gold label's rows, 0 to 1."""
        return self.counts[row][column] / max(1, sum(self.counts[row]))


@dataclass(frozen=True)
class Wrong:
    """A row of the dataset that the model gets wrong."""

    texts: list[str]
    gold: str
    prediction: str


@dataclass(frozen=True)
class Analysis:
    """The mistakes of a model in one task."""

    title: str
    metric: str
    confusion: Confusion | None
    by_length: list[tuple[str, int, float]]
    """Characters, rows, score."""
    worst: list[Wrong]


def analyses(content: Mapping[str, Any], *, worst: int, own: bool = True) -> list[Analysis]:
    """The analyses of the pretrained model in the evaluation's `analysis.json`, each with at most `worst` rows.

    `own`: with the user's own tasks. Personal data in the rows is masked.
    """
    return [
        _analysis(entry, worst)
        for entry in content["results"]
        if entry["initialisation"] == PRETRAINED and (own or entry["split"] != OWN)
    ]


def _analysis(entry: Mapping[str, Any], worst: int) -> Analysis:
    metric, matrix = entry["primary_metric"], entry["confusion"]
    return Analysis(
        title=f"{entry['title']}, {entry['protocol']}"
        + (f", {entry['split']}" if entry["split"] not in (DEV, OWN) else ""),
        metric=shown_metric(metric),
        confusion=Confusion(matrix["labels"], matrix["counts"])
        if matrix and len(matrix["labels"]) <= MOST_LABELS
        else None,
        by_length=[
            (f"{group['from']:,}–{group['to']:,}", group["rows"], group["scores"][metric])
            for group in entry["by_length"]
        ],
        worst=[
            Wrong(_texts(row["texts"]), _answer(row["gold"]), _answer(row["prediction"]))
            for row in entry["worst"][:worst]
        ],
    )


def _answer(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else shortened(mask(str(value))[0])


def _texts(named: Mapping[str, Any]) -> list[str]:
    """One text as it is; several with their names."""
    masked = {name: mask(str(text))[0] for name, text in named.items()}
    return [shortened(text if len(masked) == 1 else f"{name}: {text}") for name, text in masked.items()]
