"""YNAT, topic classification: a headline of Yonhap news -> one of seven topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.task import TaskSettings, label_field, text_field
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row

LABELS = ("정치", "경제", "사회", "생활문화", "세계", "IT과학", "스포츠")


def read(record: Mapping[str, Any]) -> Row | None:
    label = label_field(record, "label", LABELS)
    if label is None:
        return None
    return {"guid": record["guid"], "title": text_field(record, "title"), "label": label}


TASK = labelled_task(
    name="ynat",
    version=1,
    title="YNAT",
    dataset="YNAT v1.1: 45,678 train and 9,107 dev headlines, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.1",
    labels=LABELS,
    segments=("title",),
    captions=("제목",),
    read=read,
    metrics=METRICS["ynat"],
    primary_metric="macro_f1",
    defaults=TaskSettings(),
    sizes={"train": 45_678, "dev": 9_107},
)
