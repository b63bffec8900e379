"""KoBEST SentiNeg: a review, in the test split one that was negated -> negative or positive (Kim et al. 2022). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.tasks.kobest import common, kobest_row
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("negative", "positive")
RELEASED = {"sentence": "Text", "label": "Label"}


def read(record: Mapping[str, Any]) -> Row | None:
    """The order of the columns differs between the files. The test file also has each review before it was negated, which is not
    read."""
    return kobest_row(record, RELEASED, dict(zip("01", LABELS, strict=True)), LABELS)


TASK = labelled_task(
    title="KoBEST SentiNeg",
    labels=LABELS,
    segments=("sentence",),
    read=read,
    **common("sentineg", "SentiNeg", 3_649, 397),
)
