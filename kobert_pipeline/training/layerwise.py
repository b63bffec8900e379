"""What is done to a model layer by layer: compilation, and gradient checkpointing. Names of weights stay as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

_is_on = True


def checkpoint_gradients(layers: Iterable[nn.Module]) -> None:
    """Each layer is computed again when its gradient is due. It draws the same dropout, so results are the same to the bit."""
    for layer in layers:
        layer.forward = _checkpointed(layer, layer.forward)


def _checkpointed(layer: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Any:
        if not (_is_on and layer.training and torch.is_grad_enabled()):
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, **named)

    return run


def compile_layers(layers: Iterable[nn.Module]) -> None:
    """Layer by layer: they are alike, so that one compilation serves them all. Call it before `checkpoint_gradients`."""
    for layer in layers:
        layer.forward = torch.compile(layer.forward)


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Layers compute as they are written: not compiled, and once. For counting what they compute."""
    global _is_on
    before, _is_on = _is_on, False
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        _is_on = before
