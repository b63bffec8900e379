"""The contract of a task: one frozen value, defined in a file of `tasks/`, listed in its TASKS or OTHERS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeAlias

from pydantic import Field

from klue_eval.metrics import Metrics
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example, Row, Texts
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.typing_errors import Mistyped

Mistyping: TypeAlias = Callable[[str], Mistyped]
"""A text -> the text with an error."""
Layout: TypeAlias = Callable[[TextIO], Iterator[Any]]
"""A text stream -> its records, one for each row."""


class TaskSettings(Config):
    """How a task is fine-tuned. Each task's `defaults` are those of KLUE's released code (`run_all.sh`)."""

    learning_rate: float = Field(5e-5, gt=0)
    """Peak of the linear schedule."""
    batch_size: int = Field(32, ge=1)
    """Number of examples. An example is a row, in MRC a window, in WoS a turn."""
    epochs: int = Field(4, ge=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Share of all steps over which the learning rate rises."""
    max_length: int = Field(128, ge=8)
    """Tokens of one example, with special tokens. Longer examples are truncated and counted."""
    weight_decay: float = Field(0.0, ge=0)


@dataclass(frozen=True)
class KlueTask:
    name: str
    """Also the task's name in the names of files and on the Hub."""
    version: int
    """Raised when a prediction or a score changes. It is part of the fingerprint of every run."""
    title: str
    dataset: str
    paper: str
    labels: tuple[str, ...]
    """In the order of KLUE's released code. Empty for regression and for spans."""
    read: Callable[[Mapping[str, Any]], Row | None]
    """A raw record of any released format -> a row; None if the label (or, in older data, the text) is missing.
    Raises KeyError for a missing field and ValueError for an invalid one."""
    encode: Callable[[Row, Reader, Any], list[Example]]
    """A row, the tokenizer and the task's settings -> the examples that the model reads: at least one."""
    head: str
    """A name of `heads.HEADS`."""
    decode: Callable[[Sequence[Answer], Row], Any]
    """The head's output for a row's examples -> the prediction, with labels as strings, as it is written to JSON."""
    gold: Callable[[Row], Any]
    """The row's labels in the form of a prediction."""
    show: Callable[[Row], dict[str, str]]
    """Name -> text: what people are shown of a row."""
    metrics: Metrics
    primary_metric: str
    """The metric by which the best checkpoint, learning rate and number of epochs are chosen."""
    defaults: TaskSettings
    """An instance of the task's own settings class."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Split (`train`, `dev`) -> rows in the released data. A score on fewer is not one of the whole split."""
    scored_split: str = "dev"
    """What the released data calls the split that is scored."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Split (`train`, `dev`) -> the end of the released file's path, if that path does not contain the task's name."""
    hub: tuple[str, str] | None = None
    """The data set on the Hub and its configuration. KLUE's own is `klue`, with the task's name."""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """Suffix -> how a file of that format lays out this task's rows, if it is not a plain table."""
    decode_officially: Callable[[Sequence[Answer], Row], Any] | None = None
    """Set if KLUE's released code decodes in a way of its own on which its scores depend. Only NER needs it."""
    grade: Callable[[Any, Row], float] | None = None
    """How good the prediction of one row is, 0 to 100. Set if the metrics say nothing about a single row."""
    as_text: Callable[[Row], tuple[str, str]] | None = None
    """A row -> what a model that writes reads, and what it should write. None if the task has no such form."""
    parse: Callable[[str, Row], Any] | None = None
    """What was written for a row -> the prediction. Every text has one."""
    parts: Callable[[Row], Sequence[Row]] | None = None
    """A row -> rows that are each read and answered alone; their predictions, lists, are put together. Of a part that is too
    long, the beginning is lost. None: a row is one text, and loses its end."""
    longest_answer: int = 128
    """Tokens of an answer in words, its end included. A longer one is cut, in training and in prediction."""
    texts: Callable[[Row], Texts] | None = None
    """For sequence classification: the texts from which the baseline learns."""
    scale: tuple[float, float] | None = None
    """Mean and deviation of the labels of a regression that is trained on standardised labels."""
    perturb: Callable[[Row, Mistyping], Row] | None = None
    """A row, and an error that people make in typing -> the row with that error in its texts, and labels that fit. None if labels are
    at places that an error moves. Raises ValueError that says what an error would move in this row."""
    added_tokens: tuple[str, ...] = ()
    """Special tokens of the task's texts. They are added to the tokenizer, with random embeddings."""

    def unscaled(self, value: float) -> float:
        """A prediction of standardised labels on the scale of the labels."""
        mean, deviation = self.scale or (0.0, 1.0)
        return float(value) * deviation + mean


def in_fields(*names: str) -> Callable[[Row, Mistyping], Row]:
    """The `perturb` of a task whose label is about whole texts."""
    return lambda row, mistype: row | {name: mistype(row[name]).text for name in names if name in row}


def text_field(record: Mapping[str, Any], name: str) -> str:
    """Returns a field that must contain text. Raises KeyError if it is absent, ValueError unless it is a text."""
    value = record[name]
    if not isinstance(value, str) or not value.strip():
        raise WrongValue("`{name}` is {value!r}; it must be a text", name=name, value=value)
    return value


def label_field(record: Mapping[str, Any], name: str, labels: tuple[str, ...]) -> str | None:
    """Returns a label; None if it is withheld. Refuses numbers: copies of the data number labels differently."""
    value = record[name]
    if value is None or value == "":
        return None
    return known_label(value, name, labels)


def known_label(value: Any, name: str, labels: Sequence[str]) -> str:
    """Returns the label. Raises ValueError for an unknown one."""
    if value not in labels:
        raise WrongValue("`{name}` is {value!r}; known: {labels}", name=name, value=value, labels=", ".join(labels))
    return str(value)


def list_field(record: Mapping[str, Any], *names: str, length: int | None = None) -> list[Any]:
    """Returns a list, under the first of its names that the record has. Raises KeyError if it has none of them,
    ValueError if the field is not a list, is empty, or has another number of entries than `length`."""
    name = next((name for name in names if name in record), names[0])
    value = record[name]
    if not isinstance(value, list) or not value:
        raise WrongValue("`{name}` is {value!r:.60}; it must be a list that is not empty", name=name, value=value)
    if length is not None and len(value) != length:
        raise WrongValue("`{name}` has {count} entries for {length}", name=name, count=len(value), length=length)
    return value
