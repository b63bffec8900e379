"""The values that tasks, heads and the tokenizer exchange: a row, the examples that a model reads, a head's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Row: TypeAlias = dict[str, Any]
"""One row of a task, with the field names of the official file."""
Values: TypeAlias = "dict[str, NDArray[np.generic]]"
"""A head's output for one example, by name."""


@dataclass(frozen=True)
class Texts:
    """A row as one or two segments and what is learned from them. Sequence classification needs no more."""

    text: str
    pair: str | None = None
    """Second segment."""
    target: Any = None
    """A label's index, or a number."""


@dataclass(frozen=True)
class Example:
    """What a model reads at once: a row, a window of an MRC context, or a turn of a WoS dialogue. L tokens."""

    input_ids: Sequence[int]
    token_type_ids: Sequence[int]
    target: Any = None
    """What the head's loss compares with. Each head documents its form."""
    memo: Any = None
    """What the task's `decode` needs besides the head's values: character offsets, windows."""
    words: Any = None
    """What the head reads besides the tokens: the eojeols of DP."""
    truncated: bool = False
    """Whether the row was longer than `max_length` tokens, so that the model does not read all of it."""
    cls: int = 0
    """Position of [CLS]. XLNet's is the last token."""


@dataclass(frozen=True)
class Answer:
    """An example and the head's output for it."""

    example: Example
    values: Values
