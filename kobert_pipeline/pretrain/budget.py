"""Converts tokens or minutes into steps, and estimates the time of a run: arithmetic on a few measured steps.

Phases with other lengths and batches have other speeds. The steps of the first phase are measured while they are trained. From
every other phase one batch is passed forward and back a few times, and discarded. The other costs of a step (the update, the
exchange of gradients) are the same in all phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.horizon import Horizon

LEFT_OUT = 5
"""First steps of a process, which do not predict the others: memory is allocated, kernels are chosen."""

MEASURED = 50
"""Steps that are measured before the length of the run is fixed."""

SPENT = 0.1
"""Share of the budget after which the length is fixed even if fewer steps were measured."""

POINTS = 1_000
"""Points of a run at which its cost is evaluated."""

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Measured:
    """What is known when the length of the run is fixed."""

    done: int
    """Steps since the run began."""
    tokens: int
    """Tokens in these steps."""
    elapsed: float
    """Seconds since the run began, with measurements and checkpoints."""
    step: float
    """Seconds of one step, a mean over the measured ones."""
    passes: Sequence[float] = (1.0,)
    """Seconds forward and back over a full batch, by phase. If they are unknown, tokens take their place."""
    batches: Sequence[float] = (1.0,)
    """Tokens of a full batch, by phase."""
    evaluation: float = 0.0
    """Seconds of one measurement on validation data."""
    last: float = 0.0
    """Seconds of the further measures after the last step."""
    checkpoint: float = 0.0
    """Seconds of writing one checkpoint."""


def steps_for_tokens(config: PretrainConfig, measured: Measured) -> int:
    """The number of steps whose batches hold `max_tokens` tokens, without padding."""
    assert config.max_tokens is not None
    first = measured.batches[0] * Horizon(config, None).growth(0)
    left = config.max_tokens - measured.tokens
    return round((left + measured.done * first) / (first * relative(config, measured.batches)))


def steps_for_minutes(config: PretrainConfig, measured: Measured) -> int:
    """The number of steps that fit into `max_minutes`, with their measurements and checkpoints."""
    assert config.max_minutes is not None
    left = 60 * config.max_minutes - measured.elapsed - _at_the_end(measured)
    usable = left / _stretch(config, measured)
    return int((usable + measured.done * _per_step(config, measured, 1.0)) / _average(config, measured))


def seconds_left(config: PretrainConfig, measured: Measured, total: int) -> float:
    """The time from now to the end of `total` steps: the inverse of `steps_for_minutes`."""
    usable = total * _average(config, measured) - measured.done * _per_step(config, measured, 1.0)
    return max(0.0, usable * _stretch(config, measured)) + _at_the_end(measured)


def _average(config: PretrainConfig, measured: Measured) -> float:
    passes = measured.passes if min(measured.passes) > 0 else measured.batches
    overhead = max(0.0, measured.step - passes[0]) if passes is measured.passes else 0.0
    return _per_step(config, measured, relative(config, [overhead + one for one in passes]))


def _per_step(config: PretrainConfig, measured: Measured, cost: float) -> float:
    """Seconds of a step that costs `cost` times a measured one, with its share of the measurements on validation data."""
    kept = measured.checkpoint if config.keep_best else 0.0
    return cost * measured.step + (measured.evaluation + kept) / config.validation_steps


def _stretch(config: PretrainConfig, measured: Measured) -> float:
    return 1 + measured.checkpoint / (60 * config.checkpoint_minutes)


def _at_the_end(measured: Measured) -> float:
    return measured.evaluation + measured.last + measured.checkpoint


def relative(config: PretrainConfig, costs: Sequence[float]) -> float:
    """The mean cost of a step over the run, if one of the first steps costs 1. `costs`: the cost of a full batch, by phase."""
    shape = Horizon(config, POINTS)
    total, begin = 0.0, 0
    for cost, end in zip(costs, shape.phase_ends(), strict=True):
        total += cost * sum(shape.growth(point) for point in range(begin, end))
        begin = end
    return total / POINTS / (costs[0] * shape.growth(0))


def checkpoint_bytes(parameters: int) -> int:
    """Weights and AdamW's two moments, in float32."""
    return 3 * FLOAT_BYTES * parameters


def disk_bytes(config: PretrainConfig, parameters: int) -> int:
    """The size of the checkpoints that are kept, and of the one that is being written."""
    return (config.keep_last + config.keep_best + 1) * checkpoint_bytes(parameters)
