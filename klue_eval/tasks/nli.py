"""NLI, natural language inference: premise and hypothesis -> entailment, contradiction or neutral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.task import TaskSettings, label_field, text_field
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("entailment", "contradiction", "neutral")


def read(record: Mapping[str, Any]) -> Row | None:
    """The JSON has `gold_label`, the Hub's copy `label`."""
    label = label_field(record, "gold_label" if "gold_label" in record else "label", LABELS)
    if label is None:
        return None
    return {
        "guid": record["guid"],
        "premise": text_field(record, "premise"),
        "hypothesis": text_field(record, "hypothesis"),
        "gold_label": label,
    }


TASK = labelled_task(
    name="nli",
    version=1,
    title="NLI",
    dataset="KLUE-NLI v1.1: 24,998 train and 3,000 dev pairs, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.3",
    labels=LABELS,
    segments=("premise", "hypothesis"),
    label="gold_label",
    captions=("전제", "가설"),
    words=("함의", "모순", "중립"),
    read=read,
    metrics=METRICS["nli"],
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    sizes={"train": 24_998, "dev": 3_000},
)
