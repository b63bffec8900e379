"""Packed rows on the device: examples are laid into rows before the encoder, and taken out of them behind it.

So no objective sees a packed row: its hidden states, position 0 of each example among them, stand where they would without
packing. `packing` (R, P) of a batch says which piece stands where: see `kobert_pipeline.dataset.best_fit.layout`.

Shapes: B examples of L pieces in R rows of P positions, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    Batch = dict[str, Tensor]

PACKING = "packing"


def rows_of(batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """The named tensors (B, L) of the batch laid into rows (R, P), and `position_ids`, which restart in every example.

    What stands on padding means nothing: no example attends to it.
    """
    packing = batch[PACKING].long()
    laid = {name: batch[name].flatten()[packing.clamp(min=0)] for name in names}
    return laid | {"position_ids": packing % batch["input_ids"].shape[1]}


def examples_of(states: Tensor, batch: Batch) -> Tensor:
    """Hidden states (R, P, H) -> (B, L, H), as if every example had had a row to itself; zero on padding."""
    import torch

    pieces, packing = batch["input_ids"].numel(), batch[PACKING].flatten().long()
    places = torch.where(packing < 0, pieces, packing)
    taken = states.new_zeros(pieces + 1, states.shape[-1]).index_copy(0, places, states.flatten(0, 1))
    return taken[:pieces].view(*batch["input_ids"].shape, -1)


def attention_within_examples(batch: Batch, implementation: str, window: int | None = None) -> Any:
    """The mask under which every position sees its own example, and of that, with `window`, what is at most so far away.

    transformers takes the boundaries of examples from `position_ids` for flash attention alone, so it is given explicitly:
    boolean (R, 1, P, P) for `sdpa`, added to the scores for `eager`, a block mask for `flex_attention`. Padding sees padding.
    """
    import torch

    packing = batch[PACKING].long()
    numbers = packing.div(batch["input_ids"].shape[1], rounding_mode="floor")
    if implementation == "flex_attention":
        return _flex_mask(numbers, window)
    allowed = numbers[:, None, :, None] == numbers[:, None, None, :]
    if window is not None:
        positions = torch.arange(packing.shape[1], device=packing.device)
        allowed &= (positions[:, None] - positions).abs() <= window
    if implementation == "sdpa":
        return allowed
    assert implementation == "eager", f"no packed rows with {implementation}"
    return torch.zeros_like(allowed, dtype=torch.float32).masked_fill(~allowed, torch.finfo(torch.float32).min)


def _flex_mask(numbers: Tensor, window: int | None) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    furthest = numbers.shape[1] if window is None else window

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (numbers[row, query] == numbers[row, key]) & ((query - key).abs() <= furthest)

    rows, length = numbers.shape
    return create_block_mask(sees, rows, None, length, length, device=numbers.device)
