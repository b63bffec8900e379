"""KoBEST HellaSwag: how a story goes on, one of four endings (Kim et al. 2022). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.tasks.choices import choice_task
from klue_eval.tasks.kobest import common, kobest_row
from klue_eval.values import Row

LABELS = ("ending_1", "ending_2", "ending_3", "ending_4")
RELEASED = {"context": "context", **{label: f"choice{label[-1]}" for label in LABELS}, "label": "label"}


def read(record: Mapping[str, Any]) -> Row | None:
    return kobest_row(record, RELEASED, dict(zip("0123", LABELS, strict=True)), LABELS)


def context(row: Row) -> str:
    return str(row["context"])


TASK = choice_task(
    title="KoBEST HellaSwag",
    labels=LABELS,
    context=context,
    read=read,
    **common("hellaswag", "HellaSwag", 2_029, 500, max_length=192),
)
