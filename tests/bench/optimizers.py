"""Optimizers for the part `optimizers` of `make bench-pretrain`: alternatives to AdamW, which are not in the product unless they
measure better. Each takes (model, learning rate, weight decay, betas, epsilon, steps of the run)."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from kobert_pipeline.training.optimizer import adamw, decay_groups, muon

Make = Callable[..., torch.optim.Optimizer]
LAYER_DECAY = 0.9
AVERAGED_OVER = 0.05
"""Share of the run's steps that the moving average looks back over."""


def plain(model: nn.Module, *, steps: int, **settings: Any) -> torch.optim.Optimizer:
    return adamw(model, **settings)


def averaged(model: nn.Module, *, steps: int, **settings: Any) -> torch.optim.Optimizer:
    """AdamW; the last step ends with the exponential moving average of the weights in their place."""
    optimizer, done = adamw(model, **settings), 0
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    means = [parameter.detach().clone() for parameter in weights]
    average = get_ema_multi_avg_fn(1 - 1 / max(1, round(AVERAGED_OVER * steps)))

    @torch.no_grad()
    def follow(*_: Any) -> None:
        nonlocal done
        done += 1
        average(means, weights, None)
        if done == steps:
            for parameter, mean in zip(weights, means, strict=True):
                parameter.copy_(mean)

    optimizer.register_step_post_hook(follow)
    return optimizer


def layerwise(model: nn.Module, *, steps: int, learning_rate: float, weight_decay: float, **others: Any) -> Any:
    """AdamW, whose rate falls by a tenth with every layer towards the embeddings; heads have the whole of it."""
    depth = 1 + max(
        int(number) for name, _ in model.named_parameters() for number in re.findall(r"layers?\.(\d+)\.", name)
    )
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((_layers_above(name, depth), parameter.ndim >= 2), []).append(parameter)
    described = [
        {"params": found, "lr": learning_rate * LAYER_DECAY**above, "weight_decay": weight_decay if decays else 0.0}
        for (above, decays), found in groups.items()
    ]
    return torch.optim.AdamW(described, betas=others["betas"], eps=others["epsilon"], fused=True)


def _layers_above(name: str, depth: int) -> int:
    if "embed" in name:
        return depth + 1
    number = re.search(r"layers?\.(\d+)\.", name)
    return depth - int(number[1]) if number else 0


def stable(model: nn.Module, *, steps: int, learning_rate: float, weight_decay: float, **others: Any) -> Any:
    """AdamW whose update of a tensor is scaled down where its gradient is larger than it was (Wortsman et al. 2023)."""
    from optimi import StableAdamW

    return StableAdamW(
        decay_groups(model, weight_decay), lr=learning_rate, betas=others["betas"], eps=others["epsilon"], triton=False
    )


def with_muon(model: nn.Module, *, steps: int, **settings: Any) -> torch.optim.Optimizer:
    return muon(model, **settings)


class _Relative(torch.optim.AdamW):
    """Each group holds one parameter, and its rate is a share of that parameter's root mean square, as Adafactor's is."""

    LEAST = 1e-3

    def step(self, closure: Any = None) -> Any:
        parameters = [group["params"][0] for group in self.param_groups]
        norms = torch.stack(torch._foreach_norm([parameter.detach() for parameter in parameters])).tolist()
        rates = [group["lr"] for group in self.param_groups]
        for group, parameter, norm in zip(self.param_groups, parameters, norms, strict=True):
            group["lr"] *= max(self.LEAST, norm / parameter.numel() ** 0.5)
        found = super().step(closure)
        for group, rate in zip(self.param_groups, rates, strict=True):
            group["lr"] = rate
        return found


def relative(
    model: nn.Module, *, learning_rate: float, weight_decay: float, betas: Any, epsilon: float, **_: Any
) -> Any:
    """AdamW with Adafactor's relative steps (Shazeer & Stern 2018, section 8)."""
    described = [
        {"params": [parameter], "weight_decay": group["weight_decay"]}
        for group in decay_groups(model, weight_decay)
        for parameter in group["params"]
    ]
    return _Relative(described, lr=learning_rate, betas=betas, eps=epsilon, fused=True)


OPTIMIZERS: MappingProxyType[str, Make] = MappingProxyType(
    {
        "AdamW": plain,
        "AdamW, moving average": averaged,
        "AdamW, layer-wise decay": layerwise,
        "StableAdamW": stable,
        "Muon": with_muon,
        "AdamW, relative steps": relative,
    }
)
