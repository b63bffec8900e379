"""Whether a batch is padded, known without looking at its mask: on a GPU a look waits for everything computed before it.

Shapes: B rows of L pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Batch = dict[str, Tensor]

UNPADDED = "unpadded"
"""Stands in a batch none of whose rows is padded: (B, 0), a tensor that holds nothing, so that it travels and is cut into parts
like any other."""


def look_for_padding(batch: Batch) -> Batch:
    """The batch, with UNPADDED where its mask says so: where it is drawn, on the CPU."""
    mask = batch["attention_mask"]
    return batch | {UNPADDED: mask.new_empty(len(mask), 0)} if bool(mask.all()) else batch


def visible(batch: Batch) -> Tensor | None:
    """The mask (B, L) that hides padding, None where there is none to hide: attention is faster without a mask."""
    return None if UNPADDED in batch else batch["attention_mask"]
