"""The length of a run, and what depends on it: the rate, the ends of phases, the size of a batch. Pure functions of a step's
number.

A budget of steps is known before the first step. A budget of tokens or minutes is converted into steps once, after a few
measured steps: there the length is fixed. Until then the warm-up has a slope that needs no total, and the first phase goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kobert_pipeline.pretrain.config import Phase, PretrainConfig
from kobert_pipeline.training.schedules import SCHEDULES

PROVISIONAL_WARMUP = 500
"""Steps that the warm-up would take to the peak with its slope before the length is fixed. After that, the warm-up of a long run
is less steep, and that of a short run steeper."""

DRAWN_AHEAD = 2
"""Batches that a loader may have drawn beyond the step at which the length is fixed. They stay as they were drawn."""


@dataclass(frozen=True)
class Horizon:
    config: PretrainConfig
    total: int | None
    """Steps of the run; None until the length is fixed."""
    fixed_at: int | None = None
    """The number of steps done when the length was fixed; None if the recipe gives steps."""

    @classmethod
    def of(cls, config: PretrainConfig) -> Horizon:
        return cls(config, config.max_steps)

    def fixed(self, step: int, total: int) -> Horizon:
        """The same run when its length is fixed after `step` steps to `total`, but never to fewer than are drawn already."""
        return replace(self, total=max(total, step + DRAWN_AHEAD), fixed_at=step)

    def state(self) -> dict[str, int | None]:
        return {"total": self.total, "fixed_at": self.fixed_at}

    def factor(self, step: int) -> float:
        """The factor of the peak rate at `step` (the first is 0). It is continuous where the length is fixed."""
        config = self.config
        if self.total is None:
            return self._provisional(step)
        if self.fixed_at is None:
            return SCHEDULES[config.schedule](step, round(config.warmup_share * self.total), self.total)
        if step <= self.fixed_at:
            return self._provisional(step)
        end = self._warmup_end(self.fixed_at, self.total)
        if step >= end:
            return SCHEDULES[config.schedule](step, end, self.total)
        reached = self._provisional(self.fixed_at)
        return reached + (1 - reached) * (step - self.fixed_at) / (end - self.fixed_at)

    def _provisional(self, step: int) -> float:
        return min(1.0, (step + 1) / (PROVISIONAL_WARMUP + 1)) if self.config.warmup_share else 1.0

    def _warmup_end(self, fixed_at: int, total: int) -> int:
        """The step at which the recipe's share ends, but not before the rate had as many steps again to rise, or half of the
        remaining ones."""
        rise = 0 if self._provisional(fixed_at) >= 1 else min(fixed_at, (total - fixed_at) // 2)
        return max(round(self.config.warmup_share * total), fixed_at + rise)

    def phase_ends(self) -> list[int]:
        """The step at which each phase ends; the last is the total. Empty until the length is fixed: the first phase goes on."""
        if self.total is None:
            return []
        ends, share = [], 0.0
        for phase in self.config.phases:
            share += phase.share
            ends.append(max(round(share * self.total), self._drawn))
        return ends

    def growth(self, batch: int) -> float:
        """The share of `batch_size` that a batch has; batches are numbered like steps."""
        warmup = self.config.batch_warmup
        if warmup is None:
            return 1.0
        known = self.total is not None and batch >= self._drawn
        grown = min(1.0, batch / (warmup.share * self.total)) if known and self.total else 0.0
        return warmup.start + (1 - warmup.start) * grown

    def batch_size(self, phase: Phase, batch: int) -> int:
        return max(1, round(self.growth(batch) * phase.batch_size))

    @property
    def _drawn(self) -> int:
        return 0 if self.fixed_at is None else self.fixed_at + DRAWN_AHEAD
