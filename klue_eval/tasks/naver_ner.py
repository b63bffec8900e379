"""Naver NER: eojeols -> labels of 14 types (the Naver NLP Challenge 2018, as KoELECTRA splits it). Not part of KLUE.

The label of an eojeol is learned and read at its first token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.layouts import tab_pairs
from klue_eval.metrics.naver_ner_metrics import METRICS
from klue_eval.task import KlueTask, TaskSettings, known_label, text_field
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue

TYPES = ("PER", "FLD", "AFW", "ORG", "LOC", "CVL", "DAT", "TIM", "NUM", "EVT", "ANM", "PLT", "MAT", "TRM")
LABELS = ("O", *(f"{prefix}-{name}" for name in TYPES for prefix in "BI"))


def read(record: Mapping[str, Any]) -> Row | None:
    """A line is a sentence and its labels, `PER-B O`: B or I comes after the type, and `-` means O."""
    words, labels = text_field(record, "sentence").split(), text_field(record, "labels").split()
    if len(words) != len(labels):
        raise WrongValue("{labels} labels for {words} eojeols", labels=len(labels), words=len(words))
    known = [known_label(_turned(label), f"labels[{place}]", LABELS) for place, label in enumerate(labels)]
    return {"guid": record["guid"], "words": words, "labels": known}


def _turned(label: str) -> str:
    name, _, prefix = label.rpartition("-")
    return f"{prefix}-{name}" if name else "O" if label == "-" else label


def encode(row: Row, reader: Reader, settings: TaskSettings) -> list[Example]:
    """`target`: [L] labels at the first token of each eojeol, -100 elsewhere. `memo`: their positions."""
    tokens = reader.tokens(" ".join(row["words"]))
    seen = tokens[: reader.room]
    target = [-100] * (len(reader.prefix) + len(seen) + len(reader.suffix))
    places: list[int | None] = []
    start = 0
    for word, label in zip(row["words"], row["labels"], strict=True):
        inside = (number for number, token in enumerate(seen) if start <= token.start < start + len(word))
        first = next(inside, None)
        places.append(None if first is None else len(reader.prefix) + first)
        if first is not None:
            target[len(reader.prefix) + first] = LABELS.index(label)
        start += len(word) + 1
    lost = None in places or len(seen) < len(tokens)
    return [reader.example([token.id for token in tokens], target=target, memo=places, truncated=lost)]


def decode(answers: Sequence[Answer], row: Row) -> list[str]:
    """O for an eojeol that the model does not read."""
    best = answers[0].values["logits"].argmax(-1)
    return ["O" if place is None else LABELS[best[place]] for place in answers[0].example.memo]


def gold(row: Row) -> list[str]:
    return list(row["labels"])


def show(row: Row) -> dict[str, str]:
    return {"sentence": " ".join(row["words"])}


TASK = KlueTask(
    name="naver_ner",
    version=1,
    title="Naver NER",
    dataset="Naver NLP Challenge 2018: 81,000 train and 9,000 test sentences in KoELECTRA's split",
    paper="https://github.com/naver/nlp-challenge",
    labels=LABELS,
    read=read,
    encode=encode,
    head="tagging",
    decode=decode,
    gold=gold,
    show=show,
    metrics=METRICS,
    primary_metric="entity_f1",
    defaults=TaskSettings(epochs=5),
    scored_split="test",
    files={"train": "naver-ner/train", "dev": "naver-ner/test"},
    layouts={".tsv": tab_pairs("sentence", "labels")},
)
