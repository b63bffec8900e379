"""What was tried for `make speedrun` and is not in the product. Each function changes the product in the process that calls it,
before a run. Names joined by `__` are called one after the other: `average__zero_outputs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from kobert_pipeline import architectures
from kobert_pipeline.pretrain import build, evaluation, horizon, models, module
from kobert_pipeline.pretrain.config import Phase, PretrainConfig
from kobert_pipeline.training import muon, optimizer, schedules

MOMENTUM_STEPS = 300
"""Steps over which momentum rises from .85."""
AVERAGED_OVER = 0.05
CAP = 15.0
SHARP = ((8.2872, -23.5959, 17.3004), (4.1071, -2.9478, 0.5448), (3.9487, -2.9089, 0.5518))
"""Other coefficients for each of three iterations (Amsel et al. 2025, algorithm 1)."""


def __getattr__(name: str) -> Callable[[], None]:
    """Several candidates at once."""
    parts = [globals().get(part) for part in name.split("__")]
    if name.startswith("__") or not all(callable(part) for part in parts):
        raise AttributeError(name)

    def together() -> None:
        for part in parts:
            part()

    return together


ORIGINAL = [
    (owner, name, getattr(owner, name))
    for owner, names in (
        (evaluation, ("validation_batches",)),
        (module, ("OPTIMIZERS",)),
        (module.PretrainModule, ("configure_optimizers",)),
        (optimizer, ("OPTIMIZERS",)),
        (muon, ("orthogonal",)),
        (muon.Muon, ("step", "_step")),
        (schedules, ("SCHEDULES",)),
        (horizon, ("SCHEDULES",)),
        (build, ("BatchStream", "build_models")),
        (architectures, ("ARCHITECTURES",)),
        (models, ("ARCHITECTURES",)),
        (torch.nn.utils, ("clip_grad_norm_",)),
    )
    for name in names
]  # fmt: skip


def restore() -> None:
    """The product as it is."""
    for owner, name, value in ORIGINAL:
        setattr(owner, name, value)


def _replace(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))


# --- measuring ---------------------------------------------------------------------------------------------------------


def same_validation() -> None:
    """Validation on the rows and masks of the recipe, whatever the phases are; and nothing of an earlier candidate."""
    restore()

    def wrap(original: Any) -> Any:
        def batches(store: Any, objective: Any, config: PretrainConfig, info: Any) -> Any:
            usual = (Phase(max_length=128, batch_size=32),)
            return original(store, objective, config.model_copy(update={"phases": usual}), info)

        return batches

    _replace(evaluation, "validation_batches", wrap)


# --- optimizer ---------------------------------------------------------------------------------------------------------


def _with_module(change: Callable[[Any, Any], None]) -> None:
    """Calls `change(module, optimizer)` when the optimizer is made, before its schedule."""

    def wrap(original: Any) -> Any:
        def configure(self: Any) -> Any:
            made = original(self)
            change(self, made["optimizer"])
            factor = torch.optim.lr_scheduler.LambdaLR(made["optimizer"], lambda step: self.horizon.factor(step))
            return made | {"lr_scheduler": factor}

        return configure

    _replace(module.PretrainModule, "configure_optimizers", wrap)


def _scale(group: dict[str, Any], factor: float) -> None:
    """The first schedule has left its own factor in `lr`."""
    group["initial_lr"] *= factor
    group["lr"] = group["initial_lr"]


def whole_matrices() -> None:
    """Muon as it was: fused weights are one matrix."""

    def wrap(original: Any) -> Any:
        return lambda *given, splits=None, **named: original(*given, **named)

    optimizer.OPTIMIZERS = {name: wrap(make) for name, make in optimizer.OPTIMIZERS.items()}  # type: ignore[assignment]
    module.OPTIMIZERS = optimizer.OPTIMIZERS


def _rest_rate(factor: float) -> Callable[[], None]:
    def scale(_: Any, made: Any) -> None:
        for group in made.param_groups[1:]:
            _scale(group, factor)

    return lambda: _with_module(scale)


rest_quarter, rest_half, rest_double, rest_fourfold = map(_rest_rate, (0.25, 0.5, 2.0, 4.0))


def _tables_only(factor: float) -> Callable[[], None]:
    """The rate of the embeddings alone: the first group after the matrices has them."""

    def scale(_: Any, made: Any) -> None:
        _scale(made.param_groups[1], factor)

    return lambda: _with_module(scale)


tables_double = _tables_only(2.0)


def momentum_warmup() -> None:
    def wrap(original: Any) -> Any:
        def step(self: Any, closure: Any = None) -> Any:
            self.count = getattr(self, "count", -1) + 1
            for group in self.param_groups:
                group["momentum"] = 0.85 + 0.1 * min(1.0, self.count / MOMENTUM_STEPS)
            return original(self, closure)

        return step

    _replace(muon.Muon, "step", wrap)


def _momentum(value: float) -> Callable[[], None]:
    def scale(_: Any, made: Any) -> None:
        made.param_groups[0]["momentum"] = value

    return lambda: _with_module(scale)


momentum_90, momentum_98 = map(_momentum, (0.9, 0.98))


def _decay(value: float) -> Callable[[], None]:
    """Weight decay of the matrices alone."""

    def scale(_: Any, made: Any) -> None:
        made.param_groups[0]["weight_decay"] = value

    return lambda: _with_module(scale)


matrices_decay_1 = _decay(0.1)
matrices_decay_3 = _decay(0.3)


def cautious_decay() -> None:
    """A number decays only where the update makes it smaller, too (Chen et al. 2025)."""

    def step(self: Any, weights: Any, rate: float, decay: float, momentum: float) -> None:
        gradients = [weight.grad for weight in weights]
        means = [self._mean(weight) for weight in weights]
        torch._foreach_lerp_(means, gradients, 1 - momentum)
        before = [weight.clone() for weight in weights]
        self._descend(weights, torch._foreach_lerp(gradients, means, momentum), rate)
        for weight, old in zip(weights, before, strict=True):
            smaller = (weight - old) * old < 0
            weight.sub_(old * smaller, alpha=rate * decay)

    muon.Muon._step = step  # type: ignore[method-assign]


def vanishing_decay() -> None:
    """Weight decay falls evenly to 0 at the end, besides what the rate does."""

    def hook(owner: Any, made: Any) -> None:
        decays = [group["weight_decay"] for group in made.param_groups]

        def lower(*_: Any) -> None:
            total = owner.horizon.total
            left = 1 - owner.global_step / total if total else 1.0
            for group, decay in zip(made.param_groups, decays, strict=True):
                group["weight_decay"] = decay * left

        made.register_step_pre_hook(lower)

    _with_module(hook)


def three_iterations() -> None:
    def sharp(matrices: torch.Tensor, iterations: int = 3) -> torch.Tensor:
        found = matrices.bfloat16() if matrices.is_cuda else matrices.float()
        found = found / (1.02 * found.norm(dim=(-2, -1), keepdim=True)).clamp(min=1e-7)
        for first, third, fifth in SHARP:
            gram = found @ found.mT
            polynomial = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth)
            found = torch.baddbmm(found, polynomial, found, beta=first)
        return found.to(matrices.dtype)

    muon.orthogonal = sharp


def rows_normed() -> None:
    """Every row of an update has the same norm, besides being orthogonal (NorMuon, without its second moment)."""

    def wrap(original: Any) -> Any:
        def normed(matrices: torch.Tensor, iterations: int = 5) -> torch.Tensor:
            found = original(matrices, iterations)
            rows = found.norm(dim=-1, keepdim=True).clamp(min=1e-7)
            return found / rows * (rows.square().mean(dim=-2, keepdim=True).sqrt())

        return normed

    _replace(muon, "orthogonal", wrap)


def no_clipping() -> None:
    module.nn.utils.clip_grad_norm_ = lambda weights, most: nn.utils.get_total_norm(  # type: ignore[assignment]
        [weight.grad for weight in weights if weight.grad is not None]
    )


def average() -> None:
    """The run ends with the exponential moving average of its weights."""

    def follow(owner: Any, made: Any) -> None:
        weights = [weight for group in made.param_groups for weight in group["params"]]
        means: list[torch.Tensor] = []

        @torch.no_grad()
        def hook(*_: Any) -> None:
            total, step = owner.horizon.total, owner.global_step
            if not total or step < total // 2:
                return
            if not means:
                means.extend(weight.detach().clone() for weight in weights)
            torch._foreach_lerp_(means, weights, 1 / max(1, round(AVERAGED_OVER * total)))
            if step >= total - 1:
                for weight, mean in zip(weights, means, strict=True):
                    weight.copy_(mean)

        made.register_step_post_hook(hook)

    _with_module(follow)


# --- schedule ----------------------------------------------------------------------------------------------------------


def _decay_share(share: float, to: float = 0.0) -> Callable[[], None]:
    def change() -> None:
        def wsd(step: int, warmup: int, total: int) -> float:
            return schedules.warmup_stable_decay(step, warmup, total, share)

        table = dict(schedules.SCHEDULES) | {"wsd": wsd}
        schedules.SCHEDULES = table  # type: ignore[assignment]
        horizon.SCHEDULES = table  # type: ignore[assignment,misc]

    return change


decay_50, decay_70, decay_15 = _decay_share(0.5), _decay_share(0.7), _decay_share(0.15)


def constant_rate() -> None:
    _decay_share(1e-6)()


# --- how weights begin -------------------------------------------------------------------------------------------------


def _at_the_start(change: Callable[[Any, Any], None]) -> None:
    """Calls `change(models, store)` with the fresh models."""
    seen: dict[str, Any] = {}

    class Stream(build.BatchStream):
        def __init__(self, store: Any, *others: Any, **named: Any) -> None:
            super().__init__(store, *others, **named)
            seen["store"] = store

    build.BatchStream = Stream  # type: ignore[misc]

    def wrap(original: Any) -> Any:
        def made(*given: Any, **named: Any) -> Any:
            models = original(*given, **named)
            with torch.no_grad():
                change(models.student.transformer, seen["store"])
            return models

        return made

    _replace(build, "build_models", wrap)


def _tokens(store: Any, most: int = 64) -> np.ndarray:
    """Of training blocks, at most so many."""
    return np.concatenate([store.read(files).tokens for files in store.blocks("train")[:most]]).astype(np.int64)


def unigram_bias() -> None:
    """The output begins with how frequent each piece is."""

    def change(model: Any, store: Any) -> None:
        counts = np.bincount(_tokens(store), minlength=len(model.decoder.bias)) + 0.5
        model.decoder.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())).float())

    _at_the_start(change)


def _cooccurrence(tokens: np.ndarray, size: int, width: int, window: int = 4) -> torch.Tensor:
    """(size, width): factors of the positive pointwise mutual information of pieces that are near each other."""
    near = np.zeros((size, size), np.float32)
    for distance in range(1, window + 1):
        pairs = tokens[:-distance] * size + tokens[distance:]
        near += np.bincount(pairs, minlength=size * size).reshape(size, size).astype(np.float32) / distance
    near += near.T
    alone = near.sum(axis=1) ** 0.75
    expected = np.outer(near.sum(axis=1), alone / alone.sum()) + 1e-9
    information = torch.from_numpy(np.log(np.maximum(near / expected, 1.0)))
    information = (information + information.T) / 2
    vectors, values, _ = torch.svd_lowrank(information, q=width, niter=4)
    found: torch.Tensor = vectors * values.sqrt()
    return found


def _embeddings_from_neighbours(size_of: float) -> Callable[[], None]:
    def change(model: Any, store: Any) -> None:
        table = model.get_input_embeddings().weight
        with torch.random.fork_rng():
            torch.manual_seed(0)
            found = _cooccurrence(_tokens(store), *table.shape)
        seen = found.norm(dim=1, keepdim=True) > 0
        scale = table.std() * size_of / found.std()
        table.copy_(torch.where(seen.to(table.device), (found * scale).to(table), table))

    return lambda: _at_the_start(change)


neighbours, neighbours_3, neighbours_10 = map(_embeddings_from_neighbours, (1.0, 3.0, 10.0))


def zero_outputs() -> None:
    """The last matrix of every layer's two parts begins at 0: the model begins as its embeddings."""

    def change(model: Any, _: Any) -> None:
        for name, weight in model.named_parameters():
            if name.endswith("Wo.weight"):
                weight.zero_()

    _at_the_start(change)


def large_start() -> None:
    """All matrices of the layers begin three times as large."""

    def change(model: Any, _: Any) -> None:
        for name, weight in model.named_parameters():
            if ".layers." in name and weight.ndim == 2:
                weight.mul_(3)

    _at_the_start(change)


def sinusoid_positions() -> None:
    """Learned positions begin as the sinusoids of Vaswani et al. 2017, section 3.5, as large as the other embeddings."""

    def change(model: Any, _: Any) -> None:
        table = next(part.weight for name, part in model.named_modules() if name.endswith("position_embeddings"))
        rates = 10_000.0 ** -(torch.arange(0, table.shape[1], 2) / table.shape[1])
        angles = torch.arange(len(table))[:, None] * rates
        waves = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)
        table.copy_(waves * 0.02 * 2**0.5)

    _at_the_start(change)


def identity_head() -> None:
    """The head's matrix begins as the identity."""

    def change(model: Any, _: Any) -> None:
        nn.init.eye_(model.head.dense.weight)

    _at_the_start(change)


# --- the model: transformers could not load what these train -----------------------------------------------------------


def soft_cap() -> None:
    from kobert_pipeline.architectures import ARCHITECTURES

    heads = ARCHITECTURES["modernbert"].heads
    capped = {"tokens": lambda model, hidden: CAP * torch.tanh(heads["tokens"](model, hidden) / CAP)}
    _wrap_build(lambda wrapped, sizes: wrapped._heads.update(capped))


def value_embeddings() -> None:
    """Every second layer adds a table of its own to the values (Zhou et al. 2024, as in modded-nanogpt)."""

    def change(wrapped: Any, sizes: Any) -> None:
        model = wrapped.transformer.model
        for layer in list(model.layers)[::2]:
            layer.attn.table = nn.Embedding(model.config.vocab_size, sizes.hidden)
            nn.init.normal_(layer.attn.table.weight, std=0.02)
            layer.attn.Wqkv.register_forward_hook(partial_add(layer.attn, model))
        model.register_forward_pre_hook(_remember, with_kwargs=True)

    _wrap_build(change)


def _remember(model: Any, given: Any, named: Any) -> None:
    model.__dict__["seen_ids"] = named["input_ids"]


def partial_add(attention: Any, model: Any) -> Callable[..., Any]:
    table = attention.table

    def add(_: Any, __: Any, found: torch.Tensor) -> torch.Tensor:
        width = found.shape[-1] // 3
        return torch.cat([found[..., : 2 * width], found[..., 2 * width :] + table(model.__dict__["seen_ids"])], dim=-1)

    return add


def untied() -> None:
    """The output matrix is not that of the embeddings."""

    def wrap(original: Any) -> Any:
        return lambda *given, **named: original(*given, **named | {"tied": False})

    _replace(build, "build_models", wrap)


def _wrap_build(change: Callable[[Any, Any], None]) -> None:
    from dataclasses import replace

    own = architectures.ARCHITECTURES["modernbert"]

    def made(sizes: Any, spec: Any, heads: Any) -> Any:
        wrapped = own.build(sizes, spec, heads)
        change(wrapped, sizes)
        return wrapped

    table = dict(architectures.ARCHITECTURES) | {"modernbert": replace(own, build=made)}
    for place in (architectures, models):
        place.ARCHITECTURES = table  # type: ignore[attr-defined]
