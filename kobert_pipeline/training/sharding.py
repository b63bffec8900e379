"""FSDP with Lightning and torch's `fully_shard`: parameters, gradients and AdamW's moments are divided among the ranks.

A checkpoint looks like that of a single process: whole tensors in one file, numbered as `Optimizer.state_dict` numbers
them, read with `weights_only=True`. So a run can continue with any number of ranks, divided or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh
    from torch.optim import Optimizer

Result = TypeVar("Result")


class Sharded(ModelParallelStrategy):
    """The strategy of a divided run. The module divides its model in `configure_model`: see `divide`."""

    def __init__(self, ranks: int) -> None:
        super().__init__(data_parallel_size=ranks, tensor_parallel_size=1, save_distributed_checkpoint=False)

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        """Returns the state gathered on the first rank, and an empty one on the others."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

        inner = optimizer.optimizer if isinstance(optimizer, LightningOptimizer) else optimizer
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return numbered(get_optimizer_state_dict(self.model, inner, options=options))

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        from torch.distributed.checkpoint.state_dict import (
            StateDictOptions,
            set_model_state_dict,
            set_optimizer_state_dict,
        )

        checkpoint: dict[str, Any] = torch.load(checkpoint_path, map_location="cpu", weights_only=True)
        options = StateDictOptions(full_state_dict=True)
        set_model_state_dict(self.model, checkpoint["state_dict"], options=options)
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            set_optimizer_state_dict(
                self.model, optimizer, named(state, names_of(self.model, optimizer)), options=options
            )
        return checkpoint


def names_of(model: nn.Module, optimizer: Optimizer) -> list[str]:
    """Returns the names of the optimizer's parameters in the order in which its state numbers them."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]


def numbered(state: Mapping[str, Any]) -> dict[str, Any]:
    """Turns an optimizer's state by parameter names into one by parameter numbers. An empty state stays empty."""
    groups = state.get("param_groups", [])
    numbers = {name: number for number, name in enumerate(chain.from_iterable(group["params"] for group in groups))}
    return _renamed(state, numbers) if groups else {}


def named(state: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """The inverse of `numbered`."""
    return _renamed(state, dict(enumerate(names)))


def _renamed(state: Mapping[str, Any], names: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "state": {names[key]: values for key, values in state["state"].items()},
        "param_groups": [
            {**group, "params": [names[key] for key in group["params"]]} for group in state["param_groups"]
        ],
    }


# --- the model --------------------------------------------------------------------------------------------------------


def mesh_of(strategy: Any) -> DeviceMesh | None:
    """Returns the ranks among which `strategy` divides a model, or None if it does not divide it."""
    return cast("DeviceMesh", strategy.device_mesh["data_parallel"]) if isinstance(strategy, Sharded) else None


def divide(model: nn.Module, layers: Sequence[nn.Module], mesh: DeviceMesh) -> None:
    """Divides each of the `layers` inside the model, and everything else (embeddings, heads) as one more part.

    Adds the method `within(function, ...)` to the model. It gathers that last part and calls the function with the
    model; each layer is gathered while it computes. Every rank must call `within`, and each layer, the same number of
    times.
    """
    from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

    def within(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(model, *arguments)

    model.within = within  # type: ignore[assignment]
    for part in [*layers, model]:
        fully_shard(part, mesh=mesh)
        assert isinstance(part, FSDPModule)
        part.set_force_sum_reduction_for_comms(True)  # gloo does not support averages
    register_fsdp_forward_method(model, "within")


def compute(model: nn.Module, function: Callable[..., Result], *arguments: Any) -> Result:
    """Calls `function` with the model and the other arguments, whether the model is divided or not."""
    within: Callable[..., Result] | None = getattr(model, "within", None)
    return within(function, *arguments) if within is not None else function(model, *arguments)


def is_divided(model: nn.Module) -> bool:
    return hasattr(model, "within")


def exchange_gradients(model: nn.Module, wanted: bool) -> None:
    """Sets whether the next backward pass adds up the gradients of all ranks. Otherwise each rank keeps its own for a
    later pass."""
    from torch.distributed.fsdp import FSDPModule

    assert isinstance(model, FSDPModule)
    model.set_requires_gradient_sync(wanted)
    model.set_is_last_backward(wanted)


def whole(value: Tensor) -> Tensor:
    """Returns a figure over all ranks, even if it was computed from divided parameters."""
    gathered: Callable[[], Tensor] | None = getattr(value, "full_tensor", None)
    return gathered() if gathered is not None else value
