"""KorNLI: premise and hypothesis, translated from MultiNLI and XNLI -> three labels (Ham et al. 2020). Not one of KLUE's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.label_accuracy import METRICS
from klue_eval.reader import encode_texts
from klue_eval.task import Answer, KlueTask, Row, TaskSettings, Texts, label_field, text_field

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


def texts(row: Row) -> Texts:
    return Texts(text=row["premise"], pair=row["hypothesis"], target=LABELS.index(row["label"]))


def decode(answers: Sequence[Answer], row: Row) -> str:
    return LABELS[int(answers[0].values["logits"].argmax())]


def gold(row: Row) -> str:
    return str(row["label"])


def show(row: Row) -> dict[str, str]:
    return {"premise": row["premise"], "hypothesis": row["hypothesis"]}


TASK = KlueTask(
    name="kornli",
    version=1,
    title="KorNLI",
    dataset="KorNLI: 392,702 train pairs of MultiNLI and 5,010 test pairs of XNLI, CC BY-SA 4.0",
    paper="Ham et al. 2020, section 3.1",
    labels=LABELS,
    read=read,
    texts=texts,
    encode=encode_texts(texts),
    head="classification",
    decode=decode,
    gold=gold,
    show=show,
    metrics=METRICS,
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "multinli.train.ko", "dev": "xnli.test.ko"},
    layouts={".tsv": raw_tabs},
)
