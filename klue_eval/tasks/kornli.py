"""KorNLI: premise and hypothesis, from MultiNLI and XNLI -> three labels (Ham et al. 2020). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.label_accuracy import METRICS
from klue_eval.task import TaskSettings, label_field, text_field
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("entailment", "contradiction", "neutral")


def read(record: Mapping[str, Any]) -> Row | None:
    label = label_field(record, "gold_label", LABELS)
    if label is None:
        return None
    return {
        "guid": record["guid"],
        "premise": text_field(record, "sentence1"),
        "hypothesis": text_field(record, "sentence2"),
        "label": label,
    }


TASK = labelled_task(
    name="kornli",
    version=1,
    title="KorNLI",
    dataset="KorNLI: 392,702 train pairs of MultiNLI and 5,010 test pairs of XNLI, CC BY-SA 4.0",
    paper="Ham et al. 2020, section 3.1",
    labels=LABELS,
    segments=("premise", "hypothesis"),
    read=read,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "multinli.train.ko", "dev": "xnli.test.ko"},
    layouts={".tsv": raw_tabs},
)
