"""KorSTS: two sentences, translated from the STS benchmark -> a similarity (Ham et al. 2020). Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.layouts import raw_tabs
from klue_eval.metrics.korsts_metrics import METRICS
from klue_eval.task import KlueTask, TaskSettings, in_fields, text_field
from klue_eval.tasks.sts import HIGHEST, similarity
from klue_eval.token_reader import encode_texts
from klue_eval.values import Answer, Row, Texts


def read(record: Mapping[str, Any]) -> Row | None:
    return {
        "guid": record["guid"],
        "sentence1": text_field(record, "sentence1"),
        "sentence2": text_field(record, "sentence2"),
        "score": similarity(record["score"], "score"),
        "source": record.get("genre"),
    }


def texts(row: Row) -> Texts:
    return Texts(text=row["sentence1"], pair=row["sentence2"], target=row["score"])


def decode(answers: Sequence[Answer], row: Row) -> float:
    return float(answers[0].values["logits"][0])


def gold(row: Row) -> float:
    return float(row["score"])


def show(row: Row) -> dict[str, str]:
    return {"sentence1": row["sentence1"], "sentence2": row["sentence2"]}


def grade(prediction: float, row: Row) -> float:
    """100 for the gold similarity, 0 if the distance is the whole scale."""
    return max(0.0, 100.0 - 100.0 / HIGHEST * abs(prediction - gold(row)))


TASK = KlueTask(
    name="korsts",
    version=1,
    title="KorSTS",
    dataset="KorSTS: 5,749 train and 1,379 test pairs, CC BY-SA 4.0",
    paper="Ham et al. 2020, section 3.2",
    labels=(),
    read=read,
    texts=texts,
    encode=encode_texts(texts),
    head="regression",
    decode=decode,
    gold=gold,
    show=show,
    grade=grade,
    perturb=in_fields("sentence1", "sentence2"),
    metrics=METRICS,
    primary_metric="spearman",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "sts-train", "dev": "sts-test"},
    layouts={".tsv": raw_tabs},
)
