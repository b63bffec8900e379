"""The contract of a KLUE task: one frozen value, made in one file of `tasks/`, listed in `tasks.TASKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field

from klue_eval.metrics import Metrics
from kobert_pipeline.config import Config

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Logits: TypeAlias = "NDArray[np.float32]"
"""What the head says of one row."""
Row: TypeAlias = dict[str, Any]
"""One row of a task, with the field names of the official JSON."""


class TaskSettings(Config):
    """How a task is fine-tuned. Each task's `defaults` are those of the released baseline (KLUE-baseline, `run_all.sh`)."""

    learning_rate: float = Field(5e-5, gt=0)
    """Peak of the linear schedule."""
    batch_size: int = Field(32, ge=1)
    """Rows."""
    epochs: int = Field(4, ge=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Share of all steps over which the learning rate rises."""
    max_length: int = Field(128, ge=8)
    """Pieces of one example, special tokens included; longer ones are truncated and counted."""
    weight_decay: float = Field(0.0, ge=0)


@dataclass(frozen=True)
class Features:
    """What a model gets of a row."""

    text: str
    pair: str | None = None
    """Second segment."""
    target: Any = None
    """What the head's loss compares with: a label's index, a number."""


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
    """In the order of the released baseline; empty for regression."""
    read: Callable[[Mapping[str, Any]], Row | None]
    """A raw record of any released format -> a row; None where the label is withheld.
    Raises KeyError for a missing field and ValueError for one that makes no sense."""
    encode: Callable[[Row], Features]
    head: str
    """A name of `heads.HEADS`."""
    decode: Callable[[Logits, Row], Any]
    """What the head says of one row -> the prediction, in the words of the labels."""
    metrics: Metrics
    primary_metric: str
    """Picks the best checkpoint, learning rate and number of epochs."""
    defaults: TaskSettings


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
    if value not in labels:
        raise ValueError(f"`{name}` is {value!r}; known: {', '.join(labels)}")
    return str(value)
