"""What objectives over two segments share: the loss of the pair head. Shapes: B rows of L tokens, H hidden size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from kobert_pipeline.objectives.masked import MaskedOptions
from kobert_pipeline.objectives.objective import Figure, Learner, Term

if TYPE_CHECKING:
    import torch

PAIR = "sequence_pair"
"""The head that reads a pair from [CLS]: (B, L, H) -> (B, 2)."""


class PairOptions(MaskedOptions):
    short_probability: float = Field(0.1, ge=0, le=1)
    """Share of examples that aim at a random shorter length."""


def pair_figures(name: str, title: str) -> tuple[Figure, ...]:
    """How `pair_terms` are shown: guessing is right half of the time."""
    return (Figure(f"{name}_accuracy", f"{title} predicted right", "share", chance=0.5),)


def pair_terms(model: Learner, hidden: torch.Tensor, labels: torch.Tensor, name: str) -> dict[str, Term]:
    """Cross-entropy (nats) of the pair head against `labels` (B,), and the share predicted right. `hidden` is (B, L, H)."""
    import torch
    from torch.nn import functional

    logits = model.logits(PAIR, hidden).float()
    count = torch.full((), float(labels.numel()), device=labels.device)
    right = (logits.argmax(dim=-1) == labels).sum()
    return {
        name: Term(functional.cross_entropy(logits, labels, reduction="sum"), count),
        f"{name}_accuracy": Term(right.float(), count, weight=0.0),
    }


def pair_counts(labels: torch.Tensor, name: str) -> dict[str, torch.Tensor]:
    """Counts of `pair_terms`: pairs."""
    import torch

    count = torch.full((), float(labels.numel()), device=labels.device)
    return {name: count, f"{name}_accuracy": count}
