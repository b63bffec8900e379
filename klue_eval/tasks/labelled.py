"""Sequence classification: the parts shared by tasks whose rows are one text or two with one label."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Any

from klue_eval.task import KlueTask, in_fields
from klue_eval.token_reader import encode_texts
from klue_eval.values import Answer, Row, Texts


def labelled_task(
    *, labels: tuple[str, ...], segments: tuple[str, ...], label: str = "label",
    captions: tuple[str, ...] = (), words: tuple[str, ...] = (), **others: Any,
) -> KlueTask:  # fmt: skip
    """Makes such a task. `segments`: the one or two fields that are read. `label`: the field with one of `labels`.

    For text to text, `captions` are written before the segments, and `words` instead of the labels.
    """
    answers_of = dict(zip(labels, words or labels, strict=True))

    def texts(row: Row) -> Texts:
        text, pair = row[segments[0]], row[segments[1]] if len(segments) == 2 else None
        return Texts(text, pair, labels.index(row[label]))

    def decode(answers: Sequence[Answer], row: Row) -> str:
        return labels[int(answers[0].values["logits"].argmax())]

    def gold(row: Row) -> str:
        return str(row[label])

    def show(row: Row) -> dict[str, str]:
        return {name: row[name] for name in segments}

    def as_text(row: Row) -> tuple[str, str]:
        named = zip(captions or segments, segments, strict=True)
        return " ".join(f"{caption}: {row[segment]}" for caption, segment in named), answers_of[row[label]]

    def parse(text: str, row: Row) -> str:
        return labels[list(answers_of.values()).index(most_alike(text, answers_of.values()))]

    return KlueTask(
        labels=labels, texts=texts, encode=encode_texts(texts), head="classification", decode=decode, gold=gold, show=show,
        perturb=in_fields(*segments), as_text=as_text, parse=parse, **others,
    )  # fmt: skip


def most_alike(text: str, answers: Collection[str]) -> str:
    """The answer itself or, if the text is none, the one that is most like it: a model that writes no answer is at chance."""
    written = text.strip()
    if written in answers:
        return written
    return max(answers, key=lambda answer: difflib.SequenceMatcher(None, written, answer).ratio())
