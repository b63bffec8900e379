"""Learning-rate schedules: (step, warmup_steps, total_steps) -> factor of the peak rate. They are pure functions, so a
run can resume at any step."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

Schedule = Callable[[int, int, int], float]


def linear(step: int, warmup_steps: int, total_steps: int) -> float:
    """Linear warm-up, then a linear decay to zero (Devlin et al. 2019, appendix A.2)."""
    return _warmup(step, warmup_steps) * min(1.0, _left(step, warmup_steps, total_steps))


def cosine(step: int, warmup_steps: int, total_steps: int) -> float:
    """Linear warm-up, then a decay to zero along half a cosine (Loshchilov & Hutter 2017)."""
    left = min(1.0, _left(step, warmup_steps, total_steps))
    return _warmup(step, warmup_steps) * (1 - math.cos(math.pi * left)) / 2


def warmup_stable_decay(step: int, warmup_steps: int, total_steps: int, decay_share: float = 0.3) -> float:
    """Linear warm-up, a constant rate, then a decay by 1 - sqrt over the last `decay_share` of the run (Hägele et al.
    2024, section 3.2)."""
    start = total_steps - decay_share * (total_steps - warmup_steps)
    progress = min(1.0, max(0.0, (step - start) / max(1.0, total_steps - start)))
    return _warmup(step, warmup_steps) * (1 - math.sqrt(progress))


def _warmup(step: int, warmup_steps: int) -> float:
    return min(1.0, (step + 1) / (warmup_steps + 1))


def _left(step: int, warmup_steps: int, total_steps: int) -> float:
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


SCHEDULES: MappingProxyType[str, Schedule] = MappingProxyType(
    {"linear": linear, "cosine": cosine, "wsd": warmup_stable_decay}
)
