"""One encoder under the heads of several tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from klue_eval.heads.head import TaskModel
from kobert_pipeline.ground.errors import InputError


def body_of(model: TaskModel) -> nn.Module:
    """The encoder without a head, as transformers' AutoModel loads it, or the whole network if it has no head. Raises InputError for code of its own that does not name it."""
    if model.whole:
        return model.encoder
    network: Any = getattr(model.encoder, "body", model.encoder)
    body: nn.Module = network.base_model
    if body is network and "For" in type(network).__name__:
        raise InputError(
            "{kind}: its code does not say which part is the encoder, so tasks cannot share it",
            kind=type(network).__name__,
        )
    return body


def share_encoder(models: Sequence[TaskModel]) -> None:
    """Gives all models, which were loaded from one folder, the encoder of the first. A part that the first lacks (a pooler, which
    only some classes have) is that of the first model with it. Heads stay apart."""
    parts: dict[str, Any] = {}
    for body in map(body_of, models):
        own: list[tuple[str, Any]] = [*body.named_children(), *body.named_parameters(recurse=False)]
        for name, part in own:
            setattr(body, name, parts.setdefault(name, part))


def head_weights(model: TaskModel, encoder: nn.Module) -> dict[str, Tensor]:
    """Name -> the weights of a model that are not in the encoder."""
    shared = {id(weight) for weight in encoder.state_dict(keep_vars=True).values()}
    return {
        name: weight.detach() for name, weight in model.state_dict(keep_vars=True).items() if id(weight) not in shared
    }
