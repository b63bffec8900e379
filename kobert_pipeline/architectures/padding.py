"""Whether a batch is padded, known without reading its mask: on a GPU reading waits for everything computed before it.

Shapes: B rows of L tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Batch = dict[str, Tensor]

UNPADDED = "unpadded"
"""A batch without padding holds this: (B, 0), a tensor without values, so that it travels and is cut into parts like any
other."""


def look_for_padding(batch: Batch) -> Batch:
    """The batch, with UNPADDED if its mask says so. Called where a batch is drawn, on the CPU."""
    mask = batch["attention_mask"]
    return batch | {UNPADDED: mask.new_empty(len(mask), 0)} if bool(mask.all()) else batch


def visible(batch: Batch) -> Tensor | None:
    """The mask (B, L) that hides padding; None if there is none to hide, because attention is faster without a mask."""
    return None if UNPADDED in batch else batch["attention_mask"]
