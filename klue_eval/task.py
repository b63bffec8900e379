"""The contract of a task: one frozen value, made in one file of `tasks/`, listed in `tasks.TASKS` or `tasks.OTHERS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeAlias

from pydantic import Field

from klue_eval.metrics import Metrics
from klue_eval.reader import Reader
from klue_eval.values import Answer, Example, Row, Texts
from kobert_pipeline.ground.config import Config

Layout: TypeAlias = Callable[[TextIO], Iterator[Any]]
"""A text stream -> its records, one a row."""


class TaskSettings(Config):
    """How a task is fine-tuned. Each task's `defaults` are those of the released baseline (KLUE-baseline, `run_all.sh`)."""

    learning_rate: float = Field(5e-5, gt=0)
    """Peak of the linear schedule."""
    batch_size: int = Field(32, ge=1)
    """Examples: rows, of MRC windows and of WoS turns."""
    epochs: int = Field(4, ge=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Share of all steps over which the learning rate rises."""
    max_length: int = Field(128, ge=8)
    """Tokens of one example, special tokens included; longer ones are truncated and counted."""
    weight_decay: float = Field(0.0, ge=0)


@dataclass(frozen=True)
class KlueTask:
    name: str
    """Also the task's name in file names and on the Hub."""
    version: int
    """Raised when a prediction or a score changes; part of every unit's fingerprint."""
    title: str
    dataset: str
    paper: str
    labels: tuple[str, ...]
    """In the order of the released baseline; empty for regression and for spans."""
    read: Callable[[Mapping[str, Any]], Row | None]
    """A raw record of any released format -> a row; None where the label (or, in older data, the text) is missing.
    Raises KeyError for a missing field and ValueError for one that makes no sense."""
    encode: Callable[[Row, Reader, Any], list[Example]]
    """A row, the tokenizer and the task's settings -> what the model gets of it: at least one example."""
    head: str
    """A name of `heads.HEADS`."""
    decode: Callable[[Sequence[Answer], Row], Any]
    """What the head says of a row's examples -> the prediction, in the words of the labels and as JSON holds it."""
    gold: Callable[[Row], Any]
    """The row's labels in the form of a prediction."""
    show: Callable[[Row], dict[str, str]]
    """Name -> text: what a person reads of a row."""
    metrics: Metrics
    primary_metric: str
    """Picks the best checkpoint, learning rate and number of epochs."""
    defaults: TaskSettings
    """An instance of the task's own settings class."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Split (`train`, `dev`) -> rows of the released data: a score on fewer is none of the whole split."""
    scored_split: str = "dev"
    """What the released data calls the split that is scored."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Split (`train`, `dev`) -> how the path of the released file ends, where that does not hold the task's name."""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """Suffix -> how a file of that format lays out this task's rows, where it is not a plain table."""
    decode_officially: Callable[[Sequence[Answer], Row], Any] | None = None
    """Where the released baseline turns tokens into predictions in its own way, which its scores depend on: NER."""
    grade: Callable[[Any, Row], float] | None = None
    """How good a prediction of one row is, 0 to 100, where the metrics of a single row do not say."""
    texts: Callable[[Row], Texts] | None = None
    """For sequence classification: what a bag of n-grams can learn from."""
    added_tokens: tuple[str, ...] = ()
    """Special tokens that the task's texts use: they join the tokenizer, and their embeddings start at random."""


def text_field(record: Mapping[str, Any], name: str) -> str:
    """A field that must hold text. Raises KeyError where it is absent, ValueError where it is empty or no text."""
    value = record[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"`{name}` is {value!r}; it must be a text")
    return value


def label_field(record: Mapping[str, Any], name: str, labels: tuple[str, ...]) -> str | None:
    """A label by its string; None where it is withheld. Numbers are refused: copies of the data number labels differently."""
    value = record[name]
    if value is None or value == "":
        return None
    return known_label(value, name, labels)


def known_label(value: Any, name: str, labels: Sequence[str]) -> str:
    """The label itself. Raises ValueError for one outside the map."""
    if value not in labels:
        raise ValueError(f"`{name}` is {value!r}; known: {', '.join(labels)}")
    return str(value)


def list_field(record: Mapping[str, Any], *names: str, length: int | None = None) -> list[Any]:
    """A field, under the first of its names that the record has. Raises KeyError where it has none, ValueError where it
    holds no list, an empty one, or one of another length than its neighbours'."""
    name = next((name for name in names if name in record), names[0])
    value = record[name]
    if not isinstance(value, list) or not value:
        raise ValueError(f"`{name}` is {value!r:.60}; it must be a list with something in it")
    if length is not None and len(value) != length:
        raise ValueError(f"`{name}` has {len(value)} entries for {length}")
    return value
