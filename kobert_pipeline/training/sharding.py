"""FSDP by Lightning and torch's `fully_shard`: parameters, gradients and AdamW's moments divided among the ranks.

A checkpoint is that of one process: whole tensors in one file, numbered as `Optimizer.state_dict` numbers them, read with
`weights_only=True`. So a run goes on with any number of ranks, divided or not.
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

Found = TypeVar("Found")


class Sharded(ModelParallelStrategy):
    """The module divides its model in `configure_model`: see `divide`."""

    def __init__(self, ranks: int) -> None:
        super().__init__(data_parallel_size=ranks, tensor_parallel_size=1, save_distributed_checkpoint=False)

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        """Gathered on the first rank; nothing on the others."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

        own = optimizer.optimizer if isinstance(optimizer, LightningOptimizer) else optimizer
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return numbered(get_optimizer_state_dict(self.model, own, options=options))

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        from torch.distributed.checkpoint.state_dict import (
            StateDictOptions,
            set_model_state_dict,
            set_optimizer_state_dict,
        )

        found: dict[str, Any] = torch.load(checkpoint_path, map_location="cpu", weights_only=True)
        options = StateDictOptions(full_state_dict=True)
        set_model_state_dict(self.model, found["state_dict"], options=options)
        for optimizer, state in zip(self.optimizers, found["optimizer_states"], strict=True):
            set_optimizer_state_dict(
                self.model, optimizer, named(state, names_of(self.model, optimizer)), options=options
            )
        return found


def names_of(model: nn.Module, optimizer: Optimizer) -> list[str]:
    """The optimizer's parameters in the order in which its state numbers them."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]


def numbered(state: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer's state by names of parameters -> by their numbers. Of nothing, nothing."""
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
    """The ranks among which `strategy` divides a model; None where it does not."""
    return cast("DeviceMesh", strategy.device_mesh["data_parallel"]) if isinstance(strategy, Sharded) else None


def divide(model: nn.Module, layers: Sequence[nn.Module], mesh: DeviceMesh) -> None:
    """Divides each of the `layers` inside the model, and what is left (embeddings, heads) as one more part.

    Gives the model the method `within(function, ...)`, which calls the function on it with that last part gathered. Layers are
    gathered while they compute. Every rank must call it, and each layer, equally often.
    """
    from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

    def within(function: Callable[..., Any], *given: Any) -> Any:
        return function(model, *given)

    model.within = within  # type: ignore[assignment]
    for part in [*layers, model]:
        fully_shard(part, mesh=mesh)
        assert isinstance(part, FSDPModule)
        part.set_force_sum_reduction_for_comms(True)  # gloo does not support averages
    register_fsdp_forward_method(model, "within")


def compute(model: nn.Module, function: Callable[..., Found], *given: Any) -> Found:
    """`function` of the model and what is given, whether the model is divided or not."""
    within: Callable[..., Found] | None = getattr(model, "within", None)
    return within(function, *given) if within is not None else function(model, *given)


def is_divided(model: nn.Module) -> bool:
    return hasattr(model, "within")


def exchange_gradients(model: nn.Module, wanted: bool) -> None:
    """Whether the next pass back adds up the gradients of all ranks, or leaves each rank's own for a later one."""
    from torch.distributed.fsdp import FSDPModule

    assert isinstance(model, FSDPModule)
    model.set_requires_gradient_sync(wanted)
    model.set_is_last_backward(wanted)


def whole(value: Tensor) -> Tensor:
    """A figure over all ranks, also where it was computed from divided parameters."""
    gathered: Callable[[], Tensor] | None = getattr(value, "full_tensor", None)
    return gathered() if gathered is not None else value
