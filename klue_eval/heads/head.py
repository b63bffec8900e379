"""The contract of a head, and what several heads need.

Shapes: B examples in a batch, L tokens in its longest example, H the encoder's hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from klue_eval.task import KlueTask
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

CACHED_TOKENS = 1_024
"""Longer batches leave the second-level cache of a core (2 MiB) already at 256 dimensions."""
IGNORED = -100
"""A target without a loss."""
Columns = dict[str, Tensor]
Load = Callable[..., nn.Module]
"""`load("AutoModel", num_labels=…)` loads the encoder as one of transformers' classes, with its configuration."""


class TaskModel(nn.Module):
    """An encoder and a head. `inputs` are the encoder's columns [B, L], `labels` the result of the head's `collate`."""

    whole = False
    """Whether it has no head of its own, so that tasks share all of it."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        """Returns the mean loss of the batch."""
        raise NotImplementedError

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        """Returns the head's output for each example, without the padding of its batch."""
        raise NotImplementedError

    def decisions(self, inputs: Columns) -> Tensor:
        """Returns the logits [n, outputs] of the n decisions of a batch: what a student imitates of its teacher."""
        raise NotImplementedError

    def hidden(self, inputs: Columns) -> Tensor:
        """Returns the encoder's last layer [B, L, H]."""
        states: Tensor = self.encoder(**inputs).last_hidden_state
        return states


@dataclass(frozen=True)
class Head:
    name: str
    build: Callable[[Load, KlueTask, Any, Reader], TaskModel]
    """The encoder, the task, its settings and the tokenizer -> the model, with a random head."""
    collate: Callable[[Sequence[Example]], Columns]
    """What the head reads of a batch besides the tokens, and what its loss compares with."""
    scoring_batch: int = 128
    """Number of examples. Without gradients there is room for more than in training."""
    scoring_tokens: int | None = None
    """On a CPU, the most tokens that are scored at once: what stays in its cache. None where the official decoding reads the padding
    of a batch (NER), and where recurrent layers want many rows."""
    separates: bool = False
    """Whether it takes an example apart before the encoder reads it, so that states of the whole example are of no use."""
    build_loadable: Callable[[Load, KlueTask, Any, Reader], TaskModel] | None = None
    """As `build`, around the class of transformers for such a task, which plain code loads again: what an exported model is. None if
    no class answers as this head does."""


def lengths(inputs: Columns) -> list[int]:
    """Counts the tokens of each example."""
    found: list[int] = inputs["attention_mask"].sum(1).tolist()
    return found


def dropout_of(encoder: nn.Module) -> float:
    """Returns the dropout that the encoder's configuration sets before a classifier."""
    for name in ("classifier_dropout", "hidden_dropout_prob"):
        value = getattr(encoder.config, name, None)
        if value is not None:
            return float(value)
    return 0.1


def hidden_size(encoder: nn.Module) -> int:
    return int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]


def linear(encoder: nn.Module, outputs: int) -> nn.Linear:
    """A layer [..., H] -> [..., outputs], initialised like the encoder's own matrices."""
    layer = nn.Linear(hidden_size(encoder), outputs)
    nn.init.normal_(layer.weight, std=float(getattr(encoder.config, "initializer_range", 0.02)))
    nn.init.zeros_(layer.bias)
    return layer


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """Returns [rows, longest], with `filler` after the end of each row."""
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows], dtype=torch.long)


def full_precision(states: Tensor) -> Any:
    """A context without bfloat16. Recurrent layers lose accuracy by it, and some devices lack them."""
    return torch.autocast(states.device.type, enabled=False)


def build_on_encoder(model: Callable[[nn.Module, KlueTask, Any], TaskModel]) -> Any:
    """Returns the `build` of a head that needs only the bare encoder, the task and its settings."""
    return lambda load, task, settings, reader: model(load("AutoModel"), task, settings)
