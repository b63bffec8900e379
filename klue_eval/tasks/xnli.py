"""XNLI, Korean: the human translations of KorNLI, dev to train on and test to score (Conneau et al. 2018). Not part of KLUE.

KorNLI trains on 942,854 machine translations instead (`kornli` reads those of MultiNLI, `kornli_snli` those of SNLI).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.label_accuracy import METRICS
from klue_eval.task import TaskSettings
from klue_eval.tasks import kornli
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row


def read(record: Mapping[str, Any]) -> Row | None:
    return kornli.read(record)


TASK = labelled_task(
    name="xnli",
    version=1,
    title="XNLI (ko)",
    dataset="XNLI, ko: 2,490 dev pairs, which are trained on, and 5,010 test pairs, CC BY-SA 4.0",
    paper="Conneau et al. 2018; Ham et al. 2020, section 3.1",
    labels=kornli.LABELS,
    segments=("premise", "hypothesis"),
    read=read,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    sizes={"train": 2_490, "dev": 5_010},
    scored_split="test",
    files={"train": "xnli.dev.ko", "dev": "xnli.test.ko"},
    layouts={".tsv": raw_tabs},
)
