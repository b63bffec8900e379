"""How far a student is from its teacher: arithmetic that pretraining and fine-tuning share.

Shapes: n places, V outputs; B rows of L tokens, H hidden size, A attention heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def soft_targets(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """(n, V) of the student and of the teacher -> (n,): the Kullback-Leibler divergence of the student's distribution from the
    teacher's at a temperature, in nats. It is multiplied by the square of the temperature, so that gradients keep their size
    (Hinton et al. 2015, section 2)."""
    from torch.nn import functional

    student, teacher = (functional.log_softmax(values / temperature, dim=-1) for values in (logits, targets))
    apart: Tensor = functional.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    return temperature**2 * apart


def chosen_layers(student: int, teacher: int) -> list[int]:
    """For each of the student's layers, counted from 1, the teacher's layer that it imitates: evenly spread, the last one by the
    last (Jiao et al. 2020, section 4.2)."""
    return [number * teacher // student for number in range(1, student + 1)]


def states_apart(states: Sequence[Tensor], wanted: Sequence[Tensor], mask: Tensor) -> Tensor:
    """The squared distances of hidden states (B, L, H), averaged over H, summed over tokens of `mask` (B, L) and layers."""
    import torch

    pairs = zip(states, wanted, strict=True)
    return torch.stack([((one.float() - other.float())[mask] ** 2).mean(-1).sum() for one, other in pairs]).sum()


def scores_apart(scores: Sequence[Tensor], wanted: Sequence[Tensor], mask: Tensor) -> Tensor:
    """The squared distances of attention scores (B, A, L, L), averaged over heads, summed over pairs of tokens of `mask` (B, L) and
    layers."""
    import torch

    seen = mask[:, None, :, None] & mask[:, None, None, :]
    pairs = zip(scores, wanted, strict=True)
    apart = [((one.float() - other.float()).masked_fill(~seen, 0.0) ** 2).mean(1).sum() for one, other in pairs]
    return torch.stack(apart).sum()
