"""Attention that is told where examples begin and end, and needs no mask: FlashAttention over sequences of different lengths
(Dao 2023), which torch offers as `torch.nn.attention.varlen`.

Packed rows, local windows and padding cost only what their tokens see. On a CPU the same is computed with a mask, for tests.

Shapes: R rows of P positions, A attention heads of D dimensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

VARLEN = "varlen"
"""The name of this attention in a recipe and in transformers."""


def register() -> None:
    """Makes the attention known to transformers. Calling it again changes nothing."""
    from transformers import AttentionInterface

    AttentionInterface.register(VARLEN, attend)


def boundaries(numbers: Tensor, most: int) -> dict[str, Any]:
    """What the attention needs to know, under transformers' names.

    `numbers` (R, P): the example of each position. Equal neighbours in a row are one sequence. `most`: no fewer than there are
    sequences. The result has this many, the last ones empty, so that nothing waits for the device to count them.
    """
    import torch

    rows, length = numbers.shape
    starts = torch.ones_like(numbers, dtype=torch.bool)
    starts[:, 1:] = numbers[:, 1:] != numbers[:, :-1]
    flat = starts.flatten()
    places = torch.where(
        flat, flat.cumsum(0) - 1, most
    )  # all that begin nothing write the same value to the last place
    positions = torch.arange(rows * length, device=numbers.device, dtype=torch.int32)
    ends = torch.full((most + 1,), rows * length, device=numbers.device, dtype=torch.int32)
    ends.scatter_(0, places, torch.where(flat, positions, rows * length))
    return {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends, "max_length_q": length, "max_length_k": length}


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, *, scaling: float | None = None,
    dropout: float = 0.0, sliding_window: int | None = None, cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None, **_: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """`query`, `key`, `value` (R, A, P, D) -> (R, P, A, D). `sliding_window`: one more than the positions seen to each side, as
    transformers counts them for FlashAttention. Boundaries come from `boundaries`."""
    assert attention_mask is None, "varlen attention takes boundaries instead of a mask"
    assert cu_seq_lens_q is not None, "varlen attention needs boundaries"
    assert max_length_q is not None, "varlen attention needs boundaries"
    assert not dropout, "varlen attention has no dropout"
    reach = -1 if sliding_window is None else sliding_window - 1
    if not query.is_cuda:
        return _by_mask(query, key, value, cu_seq_lens_q, scaling, reach), None
    from torch.nn.attention.varlen import varlen_attn

    rows, heads, length, size = query.shape
    flat: list[Any] = [
        part.transpose(1, 2).reshape(rows * length, heads, size).to(value.dtype) for part in (query, key, value)
    ]
    bounds: dict[str, Any] = {
        "cu_seq_q": cu_seq_lens_q,
        "cu_seq_k": cu_seq_lens_q,
        "max_q": max_length_q,
        "max_k": max_length_q,
    }
    seen: Any = varlen_attn(*flat, **bounds, scale=scaling, window_size=(reach, reach))
    return seen.view(rows, length, heads, size), None


def _by_mask(query: Tensor, key: Tensor, value: Tensor, ends: Tensor, scaling: float | None, reach: int) -> Tensor:
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    rows, _, length, _ = query.shape
    positions = torch.arange(rows * length, device=query.device)
    numbers = torch.searchsorted(ends.long(), positions, right=True).view(rows, length)
    allowed = numbers[:, None, :, None] == numbers[:, None, None, :]
    if reach >= 0:
        allowed &= (positions[:length, None] - positions[:length]).abs() <= reach
    seen: Tensor = scaled_dot_product_attention(
        query, key.to(query.dtype), value.to(query.dtype), allowed, scale=scaling
    )
    return seen.transpose(1, 2).to(value.dtype)


def flop_formulas() -> dict[Any, Any]:
    """For `torch.utils.flop_counter`: torch's operators of this attention -> their FLOPs, with the window counted."""
    import torch
    import torch.nn.attention.varlen  # defines the operators

    def forward(query: Tensor, key: Tensor, value: Tensor, ends: Tensor, *others: Any, **named: Any) -> int:
        return 4 * _pairs(ends, _reach(*others, *named.values())) * query.shape[1] * query.shape[2]

    def backward(_: Tensor, query: Tensor, key: Tensor, value: Tensor, *others: Any, **named: Any) -> int:
        ends = others[2]  # after the output and its normaliser
        return 8 * _pairs(ends, _reach(*others, *named.values())) * query.shape[1] * query.shape[2]

    for formula in (forward, backward):
        vars(formula)["_get_raw"] = True  # it gets tensors, not shapes
    operators = torch.ops.torch_attn
    return {operators._varlen_attn: forward, operators._varlen_attn_backward: backward}


def _reach(*arguments: Any) -> int:
    """Of the operator's arguments the window is the only list: [reach, reach], -1 for everything."""
    window = next((argument for argument in arguments if isinstance(argument, (list, tuple))), None)
    return int(window[0]) if window else -1


def _pairs(ends: Tensor, reach: int) -> int:
    """The pairs of positions that see each other in sequences between `ends`."""
    lengths = ends.diff().long()
    far = lengths if reach < 0 else lengths.clamp(max=reach + 1)  # distances 0 to far - 1
    return int((far * (2 * lengths - far + 1) - lengths).sum())
