"""YNAT, topic classification: a headline of Yonhap news -> one of seven topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.reader import encode_texts
from klue_eval.task import Answer, KlueTask, Row, TaskSettings, Texts, label_field, text_field

LABELS = ("정치", "경제", "사회", "생활문화", "세계", "IT과학", "스포츠")


def read(record: Mapping[str, Any]) -> Row | None:
    label = label_field(record, "label", LABELS)
    if label is None:
        return None
    return {"guid": record["guid"], "title": text_field(record, "title"), "label": label}


def texts(row: Row) -> Texts:
    return Texts(text=row["title"], target=LABELS.index(row["label"]))


def decode(answers: Sequence[Answer], row: Row) -> str:
    return LABELS[int(answers[0].values["logits"].argmax())]


def gold(row: Row) -> str:
    return str(row["label"])


def show(row: Row) -> dict[str, str]:
    return {"title": row["title"]}


TASK = KlueTask(
    name="ynat",
    version=1,
    title="YNAT",
    dataset="YNAT v1.1: 45,678 train and 9,107 dev headlines, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.1",
    labels=LABELS,
    read=read,
    texts=texts,
    encode=encode_texts(texts),
    head="classification",
    decode=decode,
    gold=gold,
    show=show,
    metrics=METRICS["ynat"],
    primary_metric="macro_f1",
    defaults=TaskSettings(),
    sizes={"train": 45_678, "dev": 9_107},
)
