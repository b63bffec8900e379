"""Multiple choice: the parts shared by tasks that ask which of several texts follows a context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example, Row, Texts


def choice_task(*, labels: tuple[str, ...], context: Callable[[Row], str], **others: Any) -> KlueTask:
    """Makes such a task. `labels` are also the fields with the texts of the choices. `context`: what every choice is read after."""

    def encode(row: Row, reader: Reader, settings: TaskSettings) -> list[Example]:
        """The choices lie one after the other, each with its context and its special tokens. `words`: their lengths."""
        choices = [reader.texts_example(Texts(context(row), row[label])) for label in labels]
        return [
            Example(
                input_ids=[number for choice in choices for number in choice.input_ids],
                token_type_ids=[number for choice in choices for number in choice.token_type_ids],
                target=labels.index(row["label"]),
                words=[len(choice.input_ids) for choice in choices],
                truncated=any(choice.truncated for choice in choices),
            )
        ]

    def decode(answers: Sequence[Answer], row: Row) -> str:
        return labels[int(answers[0].values["logits"].argmax())]

    def show(row: Row) -> dict[str, str]:
        return {"context": context(row), **{label: row[label] for label in labels}}

    return KlueTask(
        labels=labels, encode=encode, head="multiple_choice", decode=decode, gold=lambda row: str(row["label"]), show=show,
        **others,
    )  # fmt: skip
