"""Sums and counts of terms, added up over micro-batches, ranks and steps, and the loss that is made from them."""

from __future__ import annotations

import torch
from torch import Tensor

from kobert_pipeline.objectives.objective import Term

Sums = dict[str, Tensor]
"""Term name -> (2,) its sum and count in float64, added up over batches on the device that computed them: on a GPU adding does
not wait, reading does."""


def total_loss(terms: dict[str, Term], counts: dict[str, Tensor] | None = None) -> Tensor:
    """The weighted sum over terms of sum by count; `counts` if the terms belong to a part of a batch."""
    counted = counts or {name: term.count for name, term in terms.items()}
    weighted = [
        term.weight * term.sum / counted[name].to(term.sum.dtype).clamp(min=1)
        for name, term in terms.items()
        if term.weight
    ]
    return torch.stack(weighted).sum()


def add(sums: Sums, terms: dict[str, Term]) -> None:
    for name, term in terms.items():
        pair = torch.stack([term.sum.detach().double(), term.count.double()])
        sums[name] = sums[name] + pair if name in sums else pair


def read(sums: Sums) -> dict[str, list[float]]:
    """Each sum and count as a plain number, in one transfer."""
    return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True)) if sums else {}


def means(sums: Sums) -> dict[str, float]:
    return {name: total / max(1.0, count) for name, (total, count) in read(sums).items()}
