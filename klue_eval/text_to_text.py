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


def in_words(task: KlueTask) -> KlueTask:
    """The task for a model that writes. Its rows, labels and metrics are the same."""
    assert task.as_text is not None, task.name
    return replace(
        task, encode=_encoder(task), decode=_decoder(task), head=IN_WORDS, decode_officially=None, added_tokens=()
    )


def _encoder(task: KlueTask) -> Any:
    def encode(row: Row, reader: Reader, settings: Any) -> list[Example]:
        """An example for each part of the row. `target`: the ids of the answer and its end; `memo`: turns ids into text."""
        return [_example(task, part, reader) for part in _parts(task, row)]

    return encode


def _parts(task: KlueTask, row: Row) -> Sequence[Row]:
    return [row] if task.parts is None else task.parts(row)


def _example(task: KlueTask, row: Row, reader: Reader) -> Example:
    assert task.as_text is not None
    source, answer = task.as_text(row)
    end = reader.suffix[-1:] or [reader.tokenizer.eos_token_id]
    target = [*reader.ids(answer)[: task.longest_answer - 1], *end]
    ids = reader.ids(f"{task.name} {source}")
    cut = len(ids) > reader.room
    if cut and task.parts is not None:
        name = reader.ids(task.name)
        ids = [*name, *ids[len(ids) - reader.room + len(name) :]]
    return reader.example(ids, target=target, memo=reader.text_of, truncated=cut)


def _decoder(task: KlueTask) -> Any:
    def decode(answers: Sequence[Answer], row: Row) -> Any:
        assert task.parse is not None
        found = [
            task.parse(answer.example.memo(answer.values["ids"].tolist()), part)
            for answer, part in zip(answers, _parts(task, row), strict=True)
        ]
        return found[0] if task.parts is None else [one for part in found for one in part]

    return decode
