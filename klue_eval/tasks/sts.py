"""STS, semantic textual similarity: two sentences -> a similarity from 0 to 5."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.task import KlueTask, TaskSettings, in_fields, text_field
from klue_eval.token_reader import encode_texts
from klue_eval.values import Answer, Row, Texts
from kobert_pipeline.ground.errors import WrongValue

HIGHEST = 5.0


def read(record: Mapping[str, Any]) -> Row | None:
    """The JSON has `labels: {label, real-label, binary-label}`, the CSV a `label` that is the JSON's `real-label`."""
    labels = record["labels"] if "labels" in record else {"real-label": record["label"]}
    if labels is None or labels["real-label"] in (None, ""):
        return None
    real = similarity(labels["real-label"], "real-label")
    return {
        "guid": record["guid"],
        "sentence1": text_field(record, "sentence1"),
        "sentence2": text_field(record, "sentence2"),
        "labels": {
            "label": round(real, 1),
            "binary-label": int(real >= 3),
            **labels,
            "real-label": real,
        },
    }


def similarity(value: Any, name: str) -> float:
    """A number from 0 to 5. Raises ValueError for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise WrongValue("`{name}` is {value!r}; it must be a number", name=name, value=value) from None
    if not (math.isfinite(number) and 0 <= number <= HIGHEST):
        raise WrongValue("`{name}` is {value!r}; it must be between 0 and 5", name=name, value=value)
    return number


def texts(row: Row) -> Texts:
    return Texts(text=row["sentence1"], pair=row["sentence2"], target=row["labels"]["real-label"])


def decode(answers: Sequence[Answer], row: Row) -> float:
    """The regression output as it is. The official score does not clip it to 0 to 5."""
    return float(answers[0].values["logits"][0])


def gold(row: Row) -> float:
    return float(row["labels"]["real-label"])


def show(row: Row) -> dict[str, str]:
    return {"sentence1": row["sentence1"], "sentence2": row["sentence2"]}


def grade(prediction: float, row: Row) -> float:
    """100 for the gold similarity, 0 if the distance is the whole scale."""
    return max(0.0, 100.0 - 100.0 / HIGHEST * abs(prediction - gold(row)))


def as_text(row: Row) -> tuple[str, str]:
    """The similarity is rounded to .2, so that it is one of 26 words (Raffel et al. 2020, section 2.4)."""
    return f"문장 1: {row['sentence1']} 문장 2: {row['sentence2']}", f"{round(gold(row) * 5) / 5:.1f}"


def parse(text: str, row: Row) -> float:
    """The first number of the text; 0 if there is none."""
    found = re.search(r"\d+(\.\d+)?", text)
    return float(found[0]) if found else 0.0


TASK = KlueTask(
    name="sts",
    version=1,
    title="STS",
    dataset="KLUE-STS v1.1: 11,668 train and 519 dev pairs, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.2",
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
    as_text=as_text,
    parse=parse,
    metrics=METRICS["sts"],
    primary_metric="pearson",
    defaults=TaskSettings(),
    sizes={"train": 11_668, "dev": 519},
)
