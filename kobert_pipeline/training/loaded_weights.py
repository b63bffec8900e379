"""Whether a checkpoint gave a model all its weights, by transformers' loading report; and weights that do not load at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

MOST = 300
"""Characters of a library's message that are quoted."""


def require_weights(model: Any, report: Mapping[str, Any], name: str) -> None:
    """Raises InputError, with the first weight, if the body of `model` was not read whole from the checkpoint `name`.

    What surrounds the body is a head, which may be new. So may a pooler: masked language models are saved without one.
    """
    body = _body(model)
    for key, found, expected in sorted(report["mismatched_keys"]):
        if key.startswith(body):
            raise InputError(
                "{name}: {key} is {found} in the checkpoint and {expected} by config.json. Copy or download the model again.",
                name=name,
                key=key,
                found=tuple(found),
                expected=tuple(expected),
            )
    absent = [
        key
        for key in _in_order(model, report["missing_keys"])
        if key.startswith(body) and not any(part.startswith("pooler") for part in key.split("."))
    ]
    if absent:
        raise InputError(
            "{name}: the checkpoint lacks {weight}{others}, which would stay random.{hint}",
            name=name,
            weight=absent[0],
            others=_others(absent),
            hint=_renamed(absent, report),
        )
    require_finite(model, name)


def require_finite(model: Any, name: str) -> None:
    """Raises InputError, with the first of them, if a weight holds values that are not numbers."""
    for key, weight in model.named_parameters():
        if not bool(weight.isfinite().all()):
            count = int((~weight.isfinite()).sum())
            raise InputError(
                "{name}: {key} has {count:,} values that are not finite (NaN or inf): the training that wrote it diverged. Use an earlier checkpoint.",
                name=name,
                key=key,
                count=count,
            )


def _body(model: Any) -> str:
    """The beginning of the names of the body's weights: `bert.` for a class with a head, empty for the body itself."""
    body = model.base_model
    if body is model and "For" in type(model).__name__:  # code of its own, which does not name its body
        embeddings = model.get_input_embeddings()
        path = next(name for name, module in model.named_modules() if module is embeddings)
        return f"{path.partition('.')[0]}."
    return next(f"{name}." if name else "" for name, module in model.named_modules() if module is body)


def _in_order(model: Any, names: Iterable[str]) -> list[str]:
    """In the order in which the model holds them, so that the first is the one nearest to the input."""
    places = {name: place for place, name in enumerate(model.state_dict())}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _others(absent: list[str]) -> str:
    return say(" and {count:,} more weights", count=len(absent) - 1) if len(absent) > 1 else ""


def _renamed(absent: list[str], report: Mapping[str, Any]) -> str:
    """Names the weight that is there under another name, as training frameworks write it (`model.bert.…`)."""
    tail = absent[0].partition(".")[2]
    other = next((name for name in sorted(report["unexpected_keys"]) if tail and name.endswith(tail)), None)
    return say(" It has {other} instead: save the model itself with `save_pretrained`.", other=other) if other else ""


def unreadable_weights(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What loading raises for weights that are cut off or damaged, and for sizes that contradict config.json; and `others`."""
    from safetensors import SafetensorError

    return SafetensorError, RuntimeError, EOFError, OverflowError, AssertionError, *others


def one_line(error: Exception) -> str:
    """The message of a library without its line breaks, or the name of the error if there is none."""
    return " ".join(str(error).split())[:MOST] or type(error).__name__
