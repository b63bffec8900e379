"""Attention that shows its scores as they are before mask and softmax, which transformers' outputs do not hold.

Shapes: R rows of P positions, A attention heads of D dimensions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SCORES = "scores"
"""The name of this attention in transformers. No recipe names it: an objective that reads scores brings it."""
_open: list[list[Any]] = []


def register() -> None:
    """Makes the attention known to transformers, with the mask of `eager`. Calling it again changes nothing."""
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface

    AttentionInterface.register(SCORES, attend)
    AttentionMaskInterface.register(SCORES, ALL_MASK_ATTENTION_FUNCTIONS["eager"])


@contextlib.contextmanager
def recorded() -> Iterator[list[Tensor]]:
    """The scores (R, A, P, P) of every layer that computes inside the context, in order."""
    _open.append([])
    try:
        yield _open[-1]
    finally:
        _open.pop()


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, *,
    scaling: float | None = None, dropout: float = 0.0, **_: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`query`, `key`, `value` (R, A, P, D) -> (R, P, A, D), and the weights (R, A, P, P)."""
    import torch
    from torch.nn import functional

    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if _open:
        _open[-1].append(scores)
    masked = scores if attention_mask is None else scores + attention_mask
    weights = functional.softmax(masked, dim=-1, dtype=torch.float32).to(query.dtype)
    dropped = functional.dropout(weights, p=dropout, training=module.training)
    return (dropped @ value).transpose(1, 2).contiguous(), weights
