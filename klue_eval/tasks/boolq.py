"""KoBEST BoolQ: a paragraph and a question -> yes or no (Kim et al. 2022). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.tasks.kobest import common, kobest_row
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("False", "True")
RELEASED = {"paragraph": "Text", "question": "Question", "label": "Answer"}


def read(record: Mapping[str, Any]) -> Row | None:
    """The files write TRUE as well as True."""
    return kobest_row(record, RELEASED, {label.lower(): label for label in LABELS}, LABELS)


TASK = labelled_task(
    title="KoBEST BoolQ",
    labels=LABELS,
    segments=("paragraph", "question"),
    read=read,
    **common("boolq", "BoolQ", 3_665, 1_404, max_length=256),
)
