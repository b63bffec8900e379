"""RE, relation extraction: a sentence with two marked entities -> one of 30 relations, with all probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics import METRICS
from klue_eval.metrics.relations_metrics import LABELS
from klue_eval.task import KlueTask, TaskSettings, label_field, text_field
from klue_eval.tasks.labelled import most_alike
from klue_eval.token_reader import Reader, Token
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue

MARKERS: Mapping[str, tuple[str, str]] = {"subject_entity": ("<subj>", "</subj>"), "object_entity": ("<obj>", "</obj>")}
"""Added tokens around the entities (Park et al. 2021, section 4.3)."""
_CLOSING = tuple(closing for _, closing in MARKERS.values())


def read(record: Mapping[str, Any]) -> Row | None:
    """`start_idx` and `end_idx` count characters, the end included."""
    sentence, label = text_field(record, "sentence"), label_field(record, "label", LABELS)
    if label is None:
        return None
    entities = {name: _entity(record, name, sentence) for name in MARKERS}
    first, second = sorted((entity["start_idx"], entity["end_idx"]) for entity in entities.values())
    if second[0] <= first[1]:
        raise WrongValue(
            "the two entities overlap: characters {first}–{first_end} and {second}–{second_end}",
            first=first[0],
            first_end=first[1],
            second=second[0],
            second_end=second[1],
        )
    return {
        "guid": record["guid"],
        "sentence": sentence,
        **entities,
        "label": label,
        "source": record.get("source"),
    }


def _entity(record: Mapping[str, Any], name: str, sentence: str) -> dict[str, Any]:
    entity = record[name]
    if not isinstance(entity, Mapping):
        raise WrongValue(
            "`{name}` is {entity!r:.60}; it must have `word`, `start_idx`, `end_idx` and `type`",
            name=name,
            entity=entity,
        )
    start, end, word = int(entity["start_idx"]), int(entity["end_idx"]), text_field(entity, "word")
    if not 0 <= start <= end < len(sentence) or sentence[start : end + 1] != word:
        raise WrongValue(
            "`{name}`: characters {start} to {end} are {sentence!r}, not {word!r}",
            name=name,
            start=start,
            end=end,
            sentence=sentence[max(start, 0) : end + 1],
            word=word,
        )
    return {"word": word, "start_idx": start, "end_idx": end, "type": entity.get("type")}


def encode(row: Row, reader: Reader, settings: TaskSettings) -> list[Example]:
    """`target`: the index of the label."""
    text = mark(row)
    tokens = reader.tokens(text)
    ids = [number for place in range(len(tokens)) for number in _rejoined(text, tokens, place, reader)]
    return [reader.example(ids, target=LABELS.index(row["label"]))]


def mark(row: Row) -> str:
    """`<subj>비틀즈</subj>가 1969년 앨범 <obj>애비 로드</obj>에 담은 노래다.`"""
    text: str = row["sentence"]
    spans = [(row[name]["start_idx"], row[name]["end_idx"] + 1, *pair) for name, pair in MARKERS.items()]
    for start, end, opening, closing in sorted(spans, reverse=True):
        text = f"{text[:start]}{opening}{text[start:end]}{closing}{text[end:]}"
    return text


def _rejoined(text: str, tokens: Sequence[Token], place: int, reader: Reader) -> list[int]:
    """The ids of a token. After a closing marker (</subj>가), it gets the form that it has inside a word."""
    token = tokens[place]
    cut_off = place > 0 and tokens[place - 1].text in _CLOSING and text[tokens[place - 1].end :][:1] != " "
    if cut_off and reader.continuation and "가" <= token.text[0] <= "힣":
        inside = reader.continuation + token.text
    elif cut_off and token.text.startswith("▁"):
        inside = token.text[1:]
    else:
        return [token.id]
    number = reader.id_of(inside) if inside else None
    return [] if number is None else [number]


def decode(answers: Sequence[Answer], row: Row) -> tuple[str, list[float]]:
    """The likeliest label, and the probabilities in the order of LABELS."""
    logits = answers[0].values["logits"]
    weights = math.e ** (logits - logits.max())
    probabilities = weights / weights.sum()
    return LABELS[int(logits.argmax())], [float(value) for value in probabilities]


def gold(row: Row) -> tuple[str, list[float]]:
    return row["label"], [float(label == row["label"]) for label in LABELS]


def show(row: Row) -> dict[str, str]:
    return {"sentence": mark(row)}


def grade(prediction: tuple[str, Sequence[float]], row: Row) -> float:
    """The probability of the gold label."""
    return 100.0 * prediction[1][LABELS.index(row["label"])]


def as_text(row: Row) -> tuple[str, str]:
    subject, object_ = (row[name]["word"] for name in MARKERS)
    return f"주어: {subject} 목적어: {object_} 문장: {row['sentence']}", row["label"]


def parse(text: str, row: Row) -> tuple[str, list[float]]:
    """All of the probability is that of the relation that was written."""
    label = most_alike(text, LABELS)
    return label, [float(label == other) for other in LABELS]


TASK = KlueTask(
    name="re",
    version=1,
    title="RE",
    dataset="KLUE-RE v1.1: 32,470 train and 7,765 dev sentences, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.5",
    labels=LABELS,
    read=read,
    encode=encode,
    head="classification",
    decode=decode,
    gold=gold,
    show=show,
    grade=grade,
    as_text=as_text,
    parse=parse,
    metrics=METRICS["re"],
    primary_metric="micro_f1",
    defaults=TaskSettings(epochs=3, max_length=256),
    sizes={"train": 32_470, "dev": 7_765},
    added_tokens=tuple(marker for pair in MARKERS.values() for marker in pair),
)
