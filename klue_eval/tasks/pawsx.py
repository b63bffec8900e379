"""PAWS-X, Korean: two sentences of similar words -> paraphrase or not (Yang et al. 2019). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.label_accuracy import METRICS
from klue_eval.task import TaskSettings, known_label
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("different", "paraphrase")
MISSING = ("", "NS")
"""What the file has for a sentence that was not translated."""


def read(record: Mapping[str, Any]) -> Row | None:
    """The file has 0 and 1. None for a pair of which a sentence was not translated."""
    label = LABELS[int(known_label(str(record["label"]), "label", ("0", "1")))]
    pair = {name: (record[name] or "").strip() for name in ("sentence1", "sentence2")}
    if any(text in MISSING for text in pair.values()):
        return None
    return {"guid": record["id"], **pair, "label": label}


TASK = labelled_task(
    name="pawsx",
    version=1,
    title="PAWS-X (ko)",
    dataset="PAWS-X, ko: 49,401 train and 2,000 test pairs",
    paper="Yang et al. 2019",
    labels=LABELS,
    segments=("sentence1", "sentence2"),
    read=read,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "ko/translated_train", "dev": "ko/test_2k"},
    layouts={".tsv": raw_tabs},
)
