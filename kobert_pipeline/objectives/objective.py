"""The contract of an objective: what is learned. One file an objective; the table is in `kobert_pipeline.objectives`.

Shapes: B rows of L pieces, H hidden size, V vocabulary, n masked positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.config import Config
from kobert_pipeline.masking.generators import RowGenerator

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Batch = dict[str, "Tensor"]
"""Name -> tensor with B rows, an example each: what a model takes and a loss reads. Packing is no matter of objectives: it
adds `packing`, by which a model lays examples into rows and takes their hidden states out again."""


@dataclass(frozen=True)
class Term:
    """One part of a loss, or a metric (weight 0): a sum and a count, so that ranks and micro-batches add up right."""

    sum: Tensor
    count: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class TokenizerInfo:
    """What objectives and architectures need to know of the tokenizer."""

    vocab_size: int
    pad_id: int
    unk_id: int
    cls_id: int
    sep_id: int
    mask_id: int
    replacements: np.ndarray
    """Ids of ordinary pieces: neither special nor unused."""


@dataclass(frozen=True)
class BatchContext:
    """What `collate` may depend on besides the examples: the tokenizer, each row's random words, training or validation."""

    tokenizer: TokenizerInfo
    generator: RowGenerator
    training: bool = True


class Learner(Protocol):
    """What a loss may ask of a model: see `kobert_pipeline.architectures.architecture`."""

    def hidden(self, batch: Batch) -> Tensor:
        """Last hidden states (B, L, H)."""

    def token_logits(self, hidden: Tensor) -> Tensor:
        """(n, H) hidden states of chosen positions -> (n, V). Head `tokens`."""

    def pair_logits(self, hidden: Tensor) -> Tensor:
        """(B, L, H) -> (B, 2), read from [CLS]. Head `sequence_pair`."""


Plan = Callable[[Block, PlanContext, Any], Examples]
Collate = Callable[[Examples, np.ndarray, BatchContext, Any], Batch]
"""(examples of a block, which of them (B,), context, options) -> tensors with B rows."""
Loss = Callable[[Learner, Batch, "torch.Generator"], dict[str, Term]]
Counts = Callable[[Batch], dict[str, "Tensor"]]
"""Batch -> the count of every term that its loss will give, known before the model runs: what is divided by is summed over
ranks and micro-batches first."""
Inputs = Callable[[Any], dict[str, str]]
Annotations = Callable[[Any], tuple[str, ...]]


def no_inputs(_: Config) -> dict[str, str]:
    """The objective needs the store alone."""
    return {}


def no_annotations(_: Config) -> tuple[str, ...]:
    """The objective needs the pieces alone."""
    return ()


@dataclass(frozen=True)
class Objective:
    name: str
    paper: str
    options: type[Config]
    special_tokens: tuple[str, ...]
    """What it needs in the vocabulary beyond [PAD] [UNK] [CLS] [SEP] [MASK]."""
    heads: tuple[str, ...]
    """What it needs of the architecture."""
    plan: Plan
    collate: Collate
    loss: Loss
    counts: Counts
    inputs: Inputs = no_inputs
    """Options -> artifacts it needs besides the store (a teacher), by name: part of the fingerprint."""
    annotations: Annotations = no_annotations
    """Options -> names of the store's annotations that it reads, checked before training."""
