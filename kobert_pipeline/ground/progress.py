"""Progress of work: a line at the bottom of a terminal, log lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from kobert_pipeline.ground.messages import say, translated
from kobert_pipeline.ground.progress_line import Work, duration, line

logger = logging.getLogger(__name__)


PLAIN_INTERVAL = 15.0
"""Seconds between log lines if the output is not a terminal."""


class Advance(Protocol):
    def __call__(self, amount: float, note: str = "", total: float | None = None) -> None:
        """Adds `amount` finished units. `note`: figures, divided by commas, the most important first. `total`: a total that was
        not known at the start."""


@contextlib.contextmanager
def progress(label: str, total: float | None, unit: str, done: float = 0.0) -> Iterator[Advance]:
    """Shows a bar, the units of the total, the time since the beginning and the time left on a terminal, and a log line every
    15 s elsewhere. `label` and `unit` are English, and translated here. `done`: units that an earlier run finished."""
    work = Work(translated(label), translated(unit), done, total)
    if not sys.stderr.isatty():
        yield _Plain(work)
        return
    shown = _Shown(work)
    with _on_screen(shown):
        yield shown


class _Counted:
    """Adds up finished units and their time."""

    def __init__(self, work: Work) -> None:
        self.work, self._began = work, time.monotonic()

    def __call__(self, amount: float, note: str = "", total: float | None = None) -> None:
        work = self.work
        work.done, work.own, work.total = work.done + amount, work.own + amount, total or work.total
        work.notes = note.split(", ") if note else ()
        self._look()

    def _look(self) -> None:
        self.work.seconds = time.monotonic() - self._began


class _Plain(_Counted):
    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._last = time.monotonic()

    def __call__(self, amount: float, note: str = "", total: float | None = None) -> None:
        super().__call__(amount, note, total)
        if time.monotonic() - self._last < PLAIN_INTERVAL:
            return
        self._last, work = time.monotonic(), self.work
        of = say(" of {total}", total=_round(work.total)) if work.total else ""
        left = ", " + say("{time} left", time=duration(work.left)) if work.left is not None else ""
        logger.info(
            "%s: %s%s %s in %s%s%s",
            work.label, _round(work.done), of, work.unit, duration(work.seconds), left,
            "".join(f", {part}" for part in (*_speed(work), *work.notes)),
        )  # fmt: skip


def _speed(work: Work) -> list[str]:
    """Nothing below .1 a second: the time that is left says it."""
    return [say("{rate} {unit}/s", rate=_round(work.rate), unit=work.unit)] if work.rate >= 0.1 else []


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


# --- on a terminal ---------------------------------------------------------------------------------------------------


class _Shown(_Counted):
    """A line of the screen. It is drawn several times a second, so that the clock goes on while nothing is finished."""

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        self._look()
        yield Text(line(self.work, options.max_width), no_wrap=True, overflow="crop")


@dataclass
class _Screen:
    """The lines that are drawn, one below the other: work may be a part of other work."""

    lines: list[_Shown] = field(default_factory=list)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from self.lines


_SCREEN = _Screen()


@contextlib.contextmanager
def _on_screen(shown: _Shown) -> Iterator[None]:
    _SCREEN.lines.append(shown)
    try:
        with contextlib.nullcontext() if len(_SCREEN.lines) > 1 else _drawn():
            yield
    finally:
        _SCREEN.lines.remove(shown)


@contextlib.contextmanager
def _drawn() -> Iterator[None]:
    """Draws the screen, and writes log lines above it."""
    from rich.console import Console
    from rich.live import Live

    stderr = sys.stderr
    with Live(_SCREEN, console=Console(stderr=True), transient=True, refresh_per_second=5):
        handlers = [each for each in logging.getLogger().handlers if getattr(each, "stream", None) is stderr]
        for handler in handlers:
            handler.setStream(sys.stderr)  # type: ignore[attr-defined]  # rich's, which prints above what is drawn
        try:
            yield
        finally:
            for handler in handlers:
                handler.setStream(stderr)  # type: ignore[attr-defined]
