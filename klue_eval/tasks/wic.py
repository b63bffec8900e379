"""KoBEST WiC, words in context: two sentences with the same word in [brackets] -> whether it means the same (Kim et al. 2022). Not
part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.tasks.kobest import common, kobest_row
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("False", "True")
RELEASED = {"word": "Target", "context_1": "SENTENCE1", "context_2": "SENTENCE2", "label": "ANSWER"}


def read(record: Mapping[str, Any]) -> Row | None:
    """The files write TRUE as well as True. The model reads the brackets, which say what the word is and where."""
    return kobest_row(record, RELEASED, {label.lower(): label for label in LABELS}, LABELS)


TASK = labelled_task(
    title="KoBEST WiC",
    labels=LABELS,
    segments=("context_1", "context_2"),
    read=read,
    **common("wic", "WiC", 3_318, 1_260),
)
