"""NSMC, the Naver sentiment movie corpus: a review -> negative or positive. Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.label_accuracy import METRICS
from klue_eval.task import TaskSettings, known_label
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("negative", "positive")


def read(record: Mapping[str, Any]) -> Row | None:
    """The file has 0 and 1. Eight of its reviews are empty: None."""
    label = LABELS[int(known_label(str(record["label"]), "label", ("0", "1")))]
    document = record["document"]
    return {"guid": record["id"], "document": document, "label": label} if (document or "").strip() else None


TASK = labelled_task(
    name="nsmc",
    version=1,
    title="NSMC",
    dataset="Naver sentiment movie corpus v1.0: 150,000 train and 50,000 test reviews, CC0",
    paper="https://github.com/e9t/nsmc",
    labels=LABELS,
    segments=("document",),
    read=read,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "ratings_train", "dev": "ratings_test"},
    layouts={".txt": raw_tabs, ".tsv": raw_tabs},
)
