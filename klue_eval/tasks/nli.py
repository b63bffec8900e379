"""NLI, natural language inference: premise and hypothesis -> entailment, contradiction or neutral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.reader import encode_texts
from klue_eval.task import Answer, KlueTask, Row, TaskSettings, Texts, label_field, text_field

LABELS = ("entailment", "contradiction", "neutral")


def read(record: Mapping[str, Any]) -> Row | None:
    """The JSON says `gold_label`, the Hub's copy `label`."""
    label = label_field(record, "gold_label" if "gold_label" in record else "label", LABELS)
    if label is None:
        return None
    return {
        "guid": record["guid"],
        "premise": text_field(record, "premise"),
        "hypothesis": text_field(record, "hypothesis"),
        "gold_label": label,
    }


def texts(row: Row) -> Texts:
    return Texts(text=row["premise"], pair=row["hypothesis"], target=LABELS.index(row["gold_label"]))


def decode(answers: Sequence[Answer], row: Row) -> str:
    return LABELS[int(answers[0].values["logits"].argmax())]


def gold(row: Row) -> str:
    return str(row["gold_label"])


def show(row: Row) -> dict[str, str]:
    return {"premise": row["premise"], "hypothesis": row["hypothesis"]}


TASK = KlueTask(
    name="nli",
    version=1,
    title="NLI",
    dataset="KLUE-NLI v1.1: 24,998 train and 3,000 dev pairs, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.3",
    labels=LABELS,
    read=read,
    texts=texts,
    encode=encode_texts(texts),
    head="classification",
    decode=decode,
    gold=gold,
    show=show,
    metrics=METRICS["nli"],
    primary_metric="accuracy",
    defaults=TaskSettings(epochs=5),
    sizes={"train": 24_998, "dev": 3_000},
)
