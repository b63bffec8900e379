"""Naver NER: F1 of entities, counted in eojeols (the Naver NLP Challenge 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import f1
from klue_eval.metrics.metric import Metrics, check_rows, row_name
from klue_eval.metrics.row_values import RowValues
from kobert_pipeline.ground.errors import WrongValue

Entity = tuple[int, int, str]
"""First eojeol, the one after the last, type."""


def official(predictions: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`entity_f1`, micro, as `seqeval.metrics.f1_score` in its default mode; 0 if neither side has an entity.

    A prediction is a list of labels, one for each eojeol.
    """
    hits, predicted, actual = map(sum, zip(*_counts(predictions, rows), strict=True))
    return {"entity_f1": f1(hits, predicted, actual)}


def by_row(predictions: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    return {"entity_f1": RowValues("pooled_f1", [*_counts(predictions, rows)])}


def _counts(predictions: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int, int]]:
    """Hits, predicted and actual entities of each row."""
    check_rows(predictions, rows)
    for number, (labels, row) in enumerate(zip(predictions, rows, strict=True)):
        if len(labels) != len(row["labels"]):
            raise WrongValue(
                "{row}: {labels} labels for {expected} eojeols",
                row=row_name(row, number),
                labels=len(labels),
                expected=len(row["labels"]),
            )
        guessed, known = set(entities(labels)), set(entities(row["labels"]))
        yield len(guessed & known), len(guessed), len(known)


def entities(labels: Sequence[str]) -> Iterator[Entity]:
    """Reads IOB2 like conlleval: an I- that does not continue an entity of its type starts one."""
    start, kind = 0, ""
    for place, label in enumerate([*labels, "O"]):
        prefix, _, name = label.partition("-")
        if kind and (prefix != "I" or name != kind):
            yield start, place, kind
            kind = ""
        if name and not kind:
            start, kind = place, name


METRICS = Metrics(("entity_f1",), official, official, by_row)
