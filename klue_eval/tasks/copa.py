"""KoBEST COPA, choice of plausible alternatives: what caused, or followed from, a premise (Kim et al. 2022). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.task import known_label
from klue_eval.tasks.choices import choice_task
from klue_eval.tasks.kobest import common, kobest_row
from klue_eval.values import Row

LABELS = ("alternative_1", "alternative_2")
RELEASED = {"premise": "sentence", "question": "question", **dict(zip(LABELS, "12", strict=True)), "label": "Answer"}
CONNECTIVES = {"원인": "왜냐하면", "결과": "그래서"}
"""What follows the premise when the question asks for its cause, or for its result: `because`, `so`."""


def read(record: Mapping[str, Any]) -> Row | None:
    row = kobest_row(record, RELEASED, dict(zip("12", LABELS, strict=True)), LABELS)
    if row is not None:
        known_label(row["question"], "question", tuple(CONNECTIVES))
    return row


def context(row: Row) -> str:
    return f"{row['premise']} {CONNECTIVES[row['question']]}"


TASK = choice_task(
    title="KoBEST COPA", labels=LABELS, context=context, read=read, **common("copa", "COPA", 3_076, 1_000)
)
