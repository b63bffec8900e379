"""Optimizers: AdamW with decay groups, Muon for the matrices of the layers, and Adafactor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer

from kobert_pipeline.training.muon import Muon, Split

if TYPE_CHECKING:
    from torch.optim.optimizer import ParamsT


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Splits the parameters: weight decay applies to matrices, not to biases, norms and other one-dimensional
    parameters (Devlin et al. 2019, code release)."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trainable if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trainable if parameter.ndim < 2], "weight_decay": 0.0},
    ]


def adamw(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> Optimizer:
    """Builds AdamW (Loshchilov & Hutter 2019) in its fused form: one kernel instead of one per parameter, also on a
    CPU."""
    return _fused(decay_groups(model, weight_decay), learning_rate, betas, epsilon)


def muon(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    splits: Mapping[nn.Parameter, Split] | None = None,
) -> Optimizer:
    """Builds Muon (Jordan et al. 2024) for the matrices of the layers, and AdamW for embeddings, for
    output layers over the vocabulary and for parameters that are not matrices. Muon's updates are scaled to the size of
    AdamW's (Liu et al. 2025, section 2.2), so that one learning rate fits both. `splits`: weight -> the matrices that it
    holds, where it holds several."""
    embeddings = {id(parameter) for part in _tables(model) for parameter in part.parameters()}
    matrices = [
        parameter
        for parameter in model.parameters()
        if parameter.requires_grad and parameter.ndim == 2 and id(parameter) not in embeddings
    ]
    by_muon = {id(parameter) for parameter in matrices}
    by_adamw = [
        {**group, "params": [parameter for parameter in group["params"] if id(parameter) not in by_muon]}
        for group in decay_groups(model, weight_decay)
    ]
    return Both(
        Muon(matrices, lr=learning_rate, weight_decay=weight_decay, splits=splits),
        _fused(by_adamw, learning_rate, betas, epsilon),
    )


def adafactor(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> Optimizer:
    """Builds Adafactor (Shazeer & Stern 2018, algorithm 5) as T5 uses it (Raffel et al. 2020, section 3.1.2): a step is relative to
    the root mean square of its parameter, the second moment of a matrix is one value for each row and column, and there is no
    momentum. The rate is at most 1 / sqrt(step). `betas` and `epsilon` are not used."""
    return Both(torch.optim.Adafactor(decay_groups(model, weight_decay), lr=learning_rate))


def _tables(model: nn.Module) -> Iterator[nn.Module]:
    """Embeddings, and output layers that have a row for every piece: also those that are not tied to the embeddings."""
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            yield part
        elif (output := getattr(part, "get_output_embeddings", _nothing)()) is not None:
            yield output


def _nothing() -> None:
    return None


def _fused(parameters: ParamsT, learning_rate: float, betas: tuple[float, float], epsilon: float) -> Optimizer:
    return torch.optim.AdamW(parameters, lr=learning_rate, betas=betas, eps=epsilon, fused=True)


class Both(Optimizer):
    """Several optimizers that act as one: it holds their groups and their state, in one checkpoint."""

    def __init__(self, *parts: Optimizer) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self.parts = parts

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Takes a step with every part. Skips it when `found_inf` is set, as fused AdamW does."""
        loss = closure() if closure is not None else None
        broken: torch.Tensor | None = getattr(self, "found_inf", None)
        if broken is not None and broken.item():
            return loss
        groups = iter(self.param_groups)
        for part in self.parts:  # loading a checkpoint replaces groups and state
            part.state = self.state
            part.param_groups = [next(groups) for _ in part.param_groups]
            part.step()
        return loss


OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = MappingProxyType(
    {"adamw": adamw, "muon": muon, "adafactor": adafactor}
)
