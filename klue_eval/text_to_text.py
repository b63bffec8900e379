"""A task as text to text: its rows are read as a text and answered in words (Raffel et al. 2020, section 2.4 and appendix D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from klue_eval.task import KlueTask
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example, Row

IN_WORDS = "written"
"""The head of such tasks."""
LONGEST = 128
"""Tokens of an answer, its end included. A longer one is cut, in training and in prediction."""


def in_words(task: KlueTask) -> KlueTask:
    """The task for a model that writes. Its rows, labels and metrics are the same."""
    assert task.as_text is not None, task.name
    return replace(
        task, encode=_encoder(task), decode=_decoder(task), head=IN_WORDS, decode_officially=None, added_tokens=()
    )


def _encoder(task: KlueTask) -> Any:
    def encode(row: Row, reader: Reader, settings: Any) -> list[Example]:
        """`target`: the ids of the answer and its end; `memo`: turns ids into text."""
        assert task.as_text is not None
        source, answer = task.as_text(row)
        end = reader.suffix[-1:] or [reader.tokenizer.eos_token_id]
        target = [*reader.ids(answer)[: LONGEST - 1], *end]
        return [reader.example(reader.ids(f"{task.name} {source}"), target=target, memo=reader.text_of)]

    return encode


def _decoder(task: KlueTask) -> Any:
    def decode(answers: Sequence[Answer], row: Row) -> Any:
        assert task.parse is not None
        answer = answers[0]
        return task.parse(answer.example.memo(answer.values["ids"].tolist()), row)

    return decode
