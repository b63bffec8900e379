"""How long a run is, and what hangs on it: the rate, the ends of phases, the size of a batch. Pure functions of a step's number.

A budget of steps is known before the first step. One of tokens or minutes is turned into steps once, after a few measured
ones; until then the warm-up runs at a slope that needs no total, and the first phase goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kobert_pipeline.pretrain.config import Phase, PretrainConfig
from kobert_pipeline.training.schedules import SCHEDULES

PROVISIONAL_WARMUP = 500
"""Steps of warm-up that the slope before the turn would take to the peak: a long run's warm-up goes on less steeply from
there, a short one's more steeply."""

DRAWN_AHEAD = 2
"""Batches that a loader may have drawn beyond the step at which the total becomes known: they are what they were drawn as."""


@dataclass(frozen=True)
class Horizon:
    config: PretrainConfig
    total: int | None
    """Steps of the run; None before the turn."""
    turned_at: int | None = None
    """Steps done when tokens or minutes were turned into `total`; None where the recipe gives steps."""

    @classmethod
    def of(cls, config: PretrainConfig) -> Horizon:
        return cls(config, config.max_steps)

    def turned(self, step: int, total: int) -> Horizon:
        """Knows after `step` steps that there are `total`; never fewer than are drawn already."""
        return replace(self, total=max(total, step + DRAWN_AHEAD), turned_at=step)

    def state(self) -> dict[str, int | None]:
        return {"total": self.total, "turned_at": self.turned_at}

    def factor(self, step: int) -> float:
        """Of the peak rate, at `step` (the first is 0). Continuous where the total becomes known."""
        config = self.config
        if self.total is None:
            return self._provisional(step)
        if self.turned_at is None:
            return SCHEDULES[config.schedule](step, round(config.warmup_share * self.total), self.total)
        if step <= self.turned_at:
            return self._provisional(step)
        end = self._warmup_end(self.turned_at, self.total)
        if step >= end:
            return SCHEDULES[config.schedule](step, end, self.total)
        reached = self._provisional(self.turned_at)
        return reached + (1 - reached) * (step - self.turned_at) / (end - self.turned_at)

    def _provisional(self, step: int) -> float:
        return min(1.0, (step + 1) / (PROVISIONAL_WARMUP + 1)) if self.config.warmup_share else 1.0

    def _warmup_end(self, turned_at: int, total: int) -> int:
        """Where the recipe's share ends, but not before the rate had as many steps again to rise, or half of what is left."""
        rise = 0 if self._provisional(turned_at) >= 1 else min(turned_at, (total - turned_at) // 2)
        return max(round(self.config.warmup_share * total), turned_at + rise)

    def phase_ends(self) -> list[int]:
        """The step at which each phase is over; the last is the total. Nothing before the turn: the first phase goes on."""
        if self.total is None:
            return []
        ends, share = [], 0.0
        for phase in self.config.phases:
            share += phase.share
            ends.append(max(round(share * self.total), self._drawn))
        return ends

    def growth(self, batch: int) -> float:
        """Share of `batch_size` that a batch has, from the first on; batches are numbered like steps."""
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
        return 0 if self.turned_at is None else self.turned_at + DRAWN_AHEAD
