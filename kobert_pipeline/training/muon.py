"""Muon (Jordan et al. 2024): momentum, made orthogonal matrix by matrix. Matrices of one shape are computed together.

A weight may hold several matrices that are multiplied at once: queries, keys and values, or the two halves of a gate. Each is
orthogonalised by itself, because otherwise the largest of them takes most of the step.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Split = Callable[[Tensor], Sequence[Tensor]]
"""A weight -> views of the matrices that it holds, each (…, columns)."""

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz iteration (Jordan et al. 2024)."""
ITERATIONS = 5
ADAMW_SIZE = 0.2
"""Root mean square of an update of AdamW, to which those of Muon are scaled (Liu et al. 2025, section 2.2)."""
TINY = 1e-7


class Muon(Optimizer):
    """Steps matrices with Nesterov momentum and decoupled weight decay. `splits`: what weights with several matrices hold."""

    def __init__(
        self, matrices: Sequence[nn.Parameter], *, lr: float, weight_decay: float = 0.0, momentum: float = 0.95,
        splits: Mapping[nn.Parameter, Split] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.splits = dict(splits or {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._step(weights, group["lr"], group["weight_decay"], group["momentum"])
        return loss

    def _step(self, weights: Sequence[nn.Parameter], rate: float, decay: float, momentum: float) -> None:
        gradients: list[Any] = [weight.grad for weight in weights]
        means = [self._mean(weight) for weight in weights]
        torch._foreach_lerp_(means, gradients, 1 - momentum)
        torch._foreach_mul_([*weights], 1 - rate * decay)
        self._descend(weights, torch._foreach_lerp(gradients, means, momentum), rate)

    def _mean(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        mean: Tensor = state["momentum_buffer"]
        return mean

    def _descend(self, weights: Sequence[nn.Parameter], directions: Sequence[Tensor], rate: float) -> None:
        """Subtracts the orthogonalised directions. A matrix and one of the transposed shape are computed together."""
        alike: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for weight, direction in zip(weights, directions, strict=True):
            split = self.splits.get(weight, _whole)
            for target, matrix in zip(split(weight), map(_flat, split(direction)), strict=True):
                alike[tuple(sorted(matrix.shape))].append((target, matrix))
        for (_, longer), pairs in alike.items():
            updates = orthogonal(torch.stack([_wide(matrix) for _, matrix in pairs]))
            for (target, matrix), update in zip(pairs, updates, strict=True):
                update = update if matrix.shape == update.shape else update.mT
                target.sub_(update.reshape(target.shape), alpha=ADAMW_SIZE * math.sqrt(longer) * rate)


def _whole(weight: Tensor) -> Sequence[Tensor]:
    return (weight,)


def _flat(matrix: Tensor) -> Tensor:
    return matrix.reshape(-1, matrix.shape[-1])


def _wide(matrix: Tensor) -> Tensor:
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix


def orthogonal(matrices: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """(K, rows, columns), no more rows than columns -> about the nearest matrices with orthogonal rows: singular values between
    .7 and 1.2. In bfloat16 on a GPU, in float32 on a CPU, where few have fast products of bfloat16."""
    first, third, fifth = COEFFICIENTS
    found = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    found = found / found.norm(dim=(-2, -1), keepdim=True).clamp(min=TINY)
    for _ in range(iterations):
        gram = found @ found.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth)
        found = torch.baddbmm(found, polynomial, found, beta=first)
    return found.to(matrices.dtype)
