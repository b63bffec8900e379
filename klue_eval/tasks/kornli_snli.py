"""The other training set of KorNLI: pairs of SNLI, translated by machine, scored on the same test pairs of XNLI (Ham et al. 2020).
Not part of KLUE."""

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
    name="kornli_snli",
    version=1,
    title="KorNLI (SNLI)",
    dataset="KorNLI: 550,152 train pairs of SNLI and 5,010 test pairs of XNLI, CC BY-SA 4.0",
    paper="Ham et al. 2020, section 3.1",
    labels=kornli.LABELS,
    segments=("premise", "hypothesis"),
    read=read,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "snli_1.0_train.ko", "dev": "xnli.test.ko"},
    layouts={".tsv": raw_tabs},
)
