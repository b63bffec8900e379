"""From a row to what a model gets of it, and back to what a head says: the values that pass between tasks, heads and the tokenizer."""

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
"""What a head says of one example, by name."""


@dataclass(frozen=True)
class Texts:
    """A row as one or two segments and what is to be learned of them: all that sequence classification needs."""

    text: str
    pair: str | None = None
    """Second segment."""
    target: Any = None
    """A label's index, or a number."""


@dataclass(frozen=True)
class Example:
    """What a model gets at once: a row, a window of an MRC context, or a turn of a WoS dialogue. L tokens."""

    input_ids: Sequence[int]
    token_type_ids: Sequence[int]
    target: Any = None
    """What the head's loss compares with; each head says in what form."""
    memo: Any = None
    """What the task's `decode` needs beside the head's values: character offsets, windows."""
    words: Any = None
    """What the head reads beside the tokens: DP's eojeols."""
    truncated: bool = False
    """The row was longer than `max_length` tokens, and the model does not see all of it."""


@dataclass(frozen=True)
class Answer:
    """An example, and what the head says of it."""

    example: Example
    values: Values
