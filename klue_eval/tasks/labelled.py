"""Sequence classification: the parts shared by tasks whose rows are one text or two with one label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klue_eval.task import KlueTask, in_fields
from klue_eval.token_reader import encode_texts
from klue_eval.values import Answer, Row, Texts


def labelled_task(
    *, labels: tuple[str, ...], segments: tuple[str, ...], label: str = "label", **others: Any
) -> KlueTask:
    """Makes such a task. `segments`: the one or two fields that are read. `label`: the field with one of `labels`."""

    def texts(row: Row) -> Texts:
        text, pair = row[segments[0]], row[segments[1]] if len(segments) == 2 else None
        return Texts(text, pair, labels.index(row[label]))

    def decode(answers: Sequence[Answer], row: Row) -> str:
        return labels[int(answers[0].values["logits"].argmax())]

    def gold(row: Row) -> str:
        return str(row[label])

    def show(row: Row) -> dict[str, str]:
        return {name: row[name] for name in segments}

    return KlueTask(
        labels=labels, texts=texts, encode=encode_texts(texts), head="classification",
        decode=decode, gold=gold, show=show, perturb=in_fields(*segments), **others,
    )  # fmt: skip
