"""Scored rows with typing errors: how much worse is the model on texts that people mistype? Pure.

The model learns from clean rows. Dev is scored as it is and, by the same model, under every error of SPACING.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from klue_eval.task import KlueTask
from klue_eval.values import Row
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.typing_errors import SPACING, seeded

Perturbation: TypeAlias = Literal["spacing"]


@dataclass(frozen=True)
class Perturbed:
    """The scored rows under one error."""

    name: str
    rows: list[Row]
    unchanged: int
    """Rows in which the error finds nothing to change."""


def perturbed(task: KlueTask, rows: Sequence[Row]) -> list[Perturbed]:
    """The rows under every error, in their order, with their labels.

    Raises InputError for a task whose labels are at places that an error moves, and for a row in which one would move the border of
    an entity.
    """
    require_perturbable([task])
    return [_under(name, task, rows) for name in SPACING]


def require_perturbable(tasks: Iterable[KlueTask]) -> None:
    """Raises InputError that names the tasks whose labels do not carry over."""
    refused = [task.title for task in tasks if task.perturb is None]
    if refused:
        raise InputError(
            "perturb: {refused}: spacing errors would move the borders of entities, answers or eojeols, to which the labels belong. Choose tasks with labels of whole texts or of characters: tasks: [ynat, sts, nli, ner] (--tasks ynat,sts,nli,ner).",
            refused=", ".join(refused),
        )


def _under(name: str, task: KlueTask, rows: Sequence[Row]) -> Perturbed:
    assert task.perturb is not None
    found = []
    for row in rows:
        try:
            found.append(task.perturb(row, lambda text: SPACING[name](text, seeded(text, name))))
        except ValueError as error:
            raise InputError(
                "perturb: {task}, row {row}: {name} {error}", task=task.title, row=row["guid"], name=name, error=error
            ) from None
    unchanged = sum(task.show(row) == task.show(before) for row, before in zip(found, rows, strict=True))
    return Perturbed(name, found, unchanged)
