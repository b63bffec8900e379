"""DP, dependency parsing: eojeols -> the head and the relation of each.

The official input has parts of speech. The model reads that of each eojeol's last morpheme.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from klue_eval.layouts import columns
from klue_eval.metrics import METRICS
from klue_eval.metrics.dp_metrics import RELATIONS
from klue_eval.task import KlueTask, TaskSettings, known_label, list_field
from klue_eval.tasks.labelled import most_alike
from klue_eval.token_reader import Reader, Token
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue

PARTS_OF_SPEECH = [
    "NNG",
    "NNP",
    "NNB",
    "NP",
    "NR",
    "VV",
    "VA",
    "VX",
    "VCP",
    "VCN",
    "MMA",
    "MMD",
    "MMN",
    "MAG",
    "MAJ",
    "JC",
    "IC",
    "JKS",
    "JKC",
    "JKG",
    "JKO",
    "JKB",
    "JKV",
    "JKQ",
    "JX",
    "EP",
    "EF",
    "EC",
    "ETN",
    "ETM",
    "XPN",
    "XSN",
    "XSV",
    "XSA",
    "XR",
    "SF",
    "SP",
    "SS",
    "SE",
    "SO",
    "SL",
    "SH",
    "SW",
    "SN",
    "NA",
]
"""In the order of KLUE's released code."""


class DpSettings(TaskSettings):
    """Sizes of the parser after the encoder (Park et al. 2021, section 4.3; Dozat & Manning 2017)."""

    lstm_size: int = Field(768, ge=1)
    """Size of the BiLSTM, in each direction, and of the LSTM that reads its output."""
    arc_size: int = Field(512, ge=1)
    type_size: int = Field(256, ge=1)
    pos_size: int = Field(256, ge=1)
    """Size of the embedding of parts of speech."""
    dropout: float = Field(0.33, ge=0, lt=1)


def read(record: Mapping[str, Any]) -> Row | None:
    """The TSV has the names of the row; the Hub's copy has `word_form`, `lemma`, `head` and `deprel`."""
    words = list_field(record, "words", "word_form")
    count = len(words)
    heads = list_field(record, "heads", "head", length=count)
    relations = list_field(record, "relations", "deprel", length=count)
    if all(value in (None, "", "-") for value in heads):
        return None
    _check_order(record, count)
    pos = [str(value) for value in list_field(record, "pos", length=count)]
    for place, value in enumerate(pos):
        known_label(value.split("+")[-1], f"pos[{place}]", PARTS_OF_SPEECH)
    return {
        "guid": record["guid"],
        "words": [text if (text := str(word)).strip() else _empty(place) for place, word in enumerate(words)],
        "lemmas": list_field(record, "lemmas", "lemma", length=count),
        "pos": pos,
        "heads": [_head(value, place, count) for place, value in enumerate(heads)],
        "relations": [known_label(name, f"relations[{place}]", RELATIONS) for place, name in enumerate(relations)],
    }


def _check_order(record: Mapping[str, Any], count: int) -> None:
    index = record.get("index")
    if index is not None and [str(value) for value in index] != [str(place) for place in range(1, count + 1)]:
        raise WrongValue("the eojeols are not numbered 1 to {count}", count=count)


def _empty(place: int) -> str:
    raise WrongValue("eojeol {place} is empty", place=place + 1)


def _head(value: Any, place: int, count: int) -> int:
    head = int(value)
    if not 0 <= head <= count or head == place + 1:
        raise WrongValue(
            "the head of eojeol {place} is {head}; it must be another of the {count}, or 0 for the root",
            place=place + 1,
            head=head,
            count=count,
        )
    return head


def encode(row: Row, reader: Reader, settings: DpSettings) -> list[Example]:
    """`words`: for each eojeol, the position of its first and last token and its part of speech (from 1; 0 is the
    root's).

    `target`: heads and indices of relations. An eojeol without a token, or one that was cut off, is read at the last
    token before it, or at [CLS]. Such a row is counted as truncated.
    """
    tokens = reader.tokens(" ".join(row["words"]))
    first = len(reader.prefix)
    seen = tokens[: reader.room]
    places = [_places(seen, first, start, end) for start, end in _spans(row["words"])]
    lost = any(place is None for place in places) or len(seen) < len(tokens)
    known = _filled(places, reader.cls_of(first + len(seen) + len(reader.suffix)))
    pos = [PARTS_OF_SPEECH.index(value.split("+")[-1]) + 1 for value in row["pos"]]
    target = (list(row["heads"]), [RELATIONS.index(relation) for relation in row["relations"]])
    words = ([place[0] for place in known], [place[1] for place in known], pos)
    return [reader.example([token.id for token in tokens], target=target, words=words, truncated=lost)]


def _spans(words: Sequence[str]) -> list[tuple[int, int]]:
    """The characters of each eojeol in the text that joins them with spaces."""
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return spans


def _places(tokens: Sequence[Token], first: int, start: int, end: int) -> tuple[int, int] | None:
    inside = [first + number for number, token in enumerate(tokens) if start <= token.start < end]
    return (inside[0], inside[-1]) if inside else None


def _filled(places: Sequence[tuple[int, int] | None], before: int) -> list[tuple[int, int]]:
    known: list[tuple[int, int]] = []
    for place in places:
        if place is None:
            end = known[-1][1] if known else before
            place = (end, end)
        known.append(place)
    return known


def decode(answers: Sequence[Answer], row: Row) -> list[tuple[int, str]]:
    """The likeliest head of each eojeol and the likeliest relation to it. The result need not be a tree."""
    values = answers[0].values
    heads, relations = values["arcs"].argmax(-1), values["types"].argmax(-1)
    return [(int(head), RELATIONS[relation]) for head, relation in zip(heads, relations, strict=True)]


def gold(row: Row) -> list[tuple[int, str]]:
    return list(zip(row["heads"], row["relations"], strict=True))


BETWEEN = "|"


def as_text(row: Row) -> tuple[str, str]:
    """`1. 나는/JX 2. 간다./SF`, with the part of speech of the last morpheme, and for each eojeol its head and relation: `2 NP_SBJ | 0 VP`."""
    words = zip(row["words"], row["pos"], strict=True)
    source = " ".join(f"{place}. {word}/{pos.split('+')[-1]}" for place, (word, pos) in enumerate(words, 1))
    arcs = zip(row["heads"], row["relations"], strict=True)
    return source, f" {BETWEEN} ".join(f"{head} {relation}" for head, relation in arcs)


def parse(text: str, row: Row) -> list[tuple[int, str]]:
    """An eojeol without an answer, or with a head that cannot be its head, depends on the next one, and the last on the root. What
    is no relation counts as the one that is most like it."""
    written = [part.split() for part in text.split(BETWEEN)]
    count = len(row["words"])
    return [_arc(written[place] if place < len(written) else [], place, count) for place in range(count)]


def _arc(words: Sequence[str], place: int, count: int) -> tuple[int, str]:
    given = int(words[0]) if words and re.fullmatch(r"[0-9]{1,4}", words[0]) else -1
    head = given if 0 <= given <= count and given != place + 1 else (place + 2) % (count + 1)
    return head, most_alike(words[-1] if words else "", RELATIONS)


def show(row: Row) -> dict[str, str]:
    return {"sentence": " ".join(row["words"])}


TASK = KlueTask(
    name="dp",
    version=1,
    title="DP",
    dataset="KLUE-DP v1.1: 10,000 train and 2,000 dev sentences, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.6",
    labels=tuple(RELATIONS),
    read=read,
    encode=encode,
    head="biaffine",
    decode=decode,
    gold=gold,
    show=show,
    as_text=as_text,
    parse=parse,
    longest_answer=512,
    metrics=METRICS["dp"],
    primary_metric="las",
    defaults=DpSettings(epochs=10, max_length=256),
    sizes={"train": 10_000, "dev": 2_000},
    layouts={".tsv": columns(("index", "words", "lemmas", "pos", "heads", "relations"))},
)
