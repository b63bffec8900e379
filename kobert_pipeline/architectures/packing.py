"""Packed rows on the device: examples are laid into rows before the encoder, and taken out of them after it.

So no objective sees a packed row: hidden states, those of position 0 of each example too, are where they would be without
packing. `packing` (R, P) of a batch says which token lies at which position: see `kobert_pipeline.dataset.best_fit.layout`.

Shapes: B examples of L tokens in R rows of P positions, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kobert_pipeline.architectures.varlen import boundaries

if TYPE_CHECKING:
    from torch import Tensor

    Batch = dict[str, Tensor]

PACKING = "packing"


def rows_of(batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """The named tensors (B, L) of the batch laid into rows (R, P), and `position_ids`, which restart in every example.

    Values on padding have no meaning: no example attends to them.
    """
    packing = batch[PACKING].long()
    laid = {name: batch[name].flatten()[packing.clamp(min=0)] for name in names}
    return laid | {"position_ids": packing % batch["input_ids"].shape[1]}


def examples_of(states: Tensor, batch: Batch) -> Tensor:
    """Hidden states (R, P, H) -> (B, L, H), as if every example had had a row to itself; zero on padding."""
    import torch

    tokens, packing = batch["input_ids"].numel(), batch[PACKING].flatten().long()
    places = torch.where(packing < 0, tokens, packing)
    taken = states.new_zeros(tokens + 1, states.shape[-1]).index_copy(0, places, states.flatten(0, 1))
    return taken[:tokens].view(*batch["input_ids"].shape, -1)


def attention_within_examples(batch: Batch, kind: str, window: int | None = None, *, causal: bool = False) -> Any:
    """The mask under which every position sees its own example: of that, with `window`, what is at most that far away, and
    with `causal` what is not after it.

    transformers takes the boundaries of examples from `position_ids` for flash attention alone, so the mask is explicit:
    boolean (R, 1, P, P) for `sdpa` and `boolean`, added to the scores for `eager`, a block mask for `flex_attention`.
    Padding sees padding.
    """
    import torch

    packing = batch[PACKING].long()
    numbers = packing.div(batch["input_ids"].shape[1], rounding_mode="floor")
    if kind == "flex_attention":
        return _flex_mask(numbers, window, causal=causal)
    allowed = numbers[:, None, :, None] == numbers[:, None, None, :]
    positions = torch.arange(packing.shape[1], device=packing.device)
    if window is not None:
        allowed &= (positions[:, None] - positions).abs() <= window
    if causal:
        allowed &= positions[:, None] >= positions
    if kind in ("sdpa", "boolean"):
        return allowed
    assert kind == "eager", f"no packed rows with {kind}"
    return torch.zeros_like(allowed, dtype=torch.float32).masked_fill(~allowed, torch.finfo(torch.float32).min)


def boundaries_of(batch: Batch) -> dict[str, Any]:
    """Where examples begin and end in the rows of the batch, packed or not: see `varlen.boundaries`. Padding is a sequence of
    its own after each row."""
    import torch

    if PACKING in batch:
        numbers = batch[PACKING].long().div(batch["input_ids"].shape[1], rounding_mode="floor")
    else:
        mask = batch["attention_mask"].bool()
        rows = torch.arange(len(mask), device=mask.device)[:, None]
        numbers = torch.where(mask, rows, -1)
    return boundaries(numbers, most=len(batch["input_ids"]) + len(numbers))


def _flex_mask(numbers: Tensor, window: int | None, *, causal: bool) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    furthest = numbers.shape[1] if window is None else window

    # Two functions: with a branch inside one, torch 2.13 writes C++ that does not compile.
    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (numbers[row, query] == numbers[row, key]) & ((query - key).abs() <= furthest)

    def sees_no_future(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return sees(row, head, query, key) & (query >= key)

    rows, length = numbers.shape
    return create_block_mask(sees_no_future if causal else sees, rows, None, length, length, device=numbers.device)
