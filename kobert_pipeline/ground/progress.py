"""Progress of work: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import Protocol

logger = logging.getLogger(__name__)


PLAIN_INTERVAL = 15.0
"""Seconds between log lines if the output is not a terminal."""


class Advance(Protocol):
    def __call__(self, amount: float, note: str = "", total: float | None = None) -> None:
        """Adds `amount` finished units. `note` is shown after the rate. `total`: a total that was not known at the start."""


@contextlib.contextmanager
def progress(label: str, total: float | None, unit: str, done: float = 0.0) -> Iterator[Advance]:
    """Shows a bar with rate and remaining time on a terminal, and a log line every 15 s elsewhere. `done`: units that an earlier
    run finished."""
    if not sys.stderr.isatty():
        yield _PlainProgress(label, total, unit, done)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    text = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")
    with Progress(
        *text, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(label, total=total, completed=int(done), rate="")
        rate = _Rate()

        def advance(amount: float, note: str = "", total: float | None = None) -> None:
            bar.update(task, advance=amount, total=total, rate=f"{_round(rate(amount))} {unit}/s {note}")

        yield advance


class _Rate:
    """Units per second since it was created."""

    def __init__(self) -> None:
        self._started, self._done = time.monotonic(), 0.0

    def __call__(self, amount: float) -> float:
        self._done += amount
        return self._done / (time.monotonic() - self._started + 1e-9)


class _PlainProgress:
    def __init__(self, label: str, total: float | None, unit: str, done: float) -> None:
        self._label, self._total, self._unit, self._done = label, total, unit, done
        self._rate, self._last = _Rate(), time.monotonic()

    def __call__(self, amount: float, note: str = "", total: float | None = None) -> None:
        self._done += amount
        self._total = total or self._total
        rate = self._rate(amount)
        if time.monotonic() - self._last < PLAIN_INTERVAL:
            return
        self._last = time.monotonic()
        of = f" of {_round(self._total)}" if self._total else ""
        left = f", {(self._total - self._done) / rate:,.0f} s left" if self._total and rate else ""
        logger.info(
            "%s: %s%s %s, %s/s%s%s",
            self._label,
            _round(self._done),
            of,
            self._unit,
            _round(rate),
            left,
            f", {note}" if note else "",
        )


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
