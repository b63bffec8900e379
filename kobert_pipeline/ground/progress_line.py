"""The line that shows how far a piece of work is, for any width of the terminal. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kobert_pipeline.ground.messages import say

LEAST_BAR, READABLE_BAR, MOST_BAR = 6, 16, 40
"""Characters of the bar: at least, before notes take their room, at most."""
LEAST_LABEL = 10
GAP = "  "
FULL, EMPTY = "━", "─"


@dataclass
class Work:
    """What is known of a piece of work while it goes on."""

    label: str
    unit: str
    done: float
    total: float | None
    seconds: float = 0.0
    """Since it began, in this process."""
    own: float = 0.0
    """Units done in these seconds."""
    notes: Sequence[str] = ()
    """The most important first, such as the loss."""

    @property
    def rate(self) -> float:
        return self.own / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds. None if they cannot be known."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None


def line(work: Work, width: int) -> str:
    """The label, a bar, units of the total, the time since the beginning and the time left: always. Then notes, as many as fit.

    The label is cut, and large numbers are rounded, before one of these is left out.
    """
    left = say("{time} left", time="?" if work.left is None else duration(work.left))
    times = f"{duration(work.seconds)}, {left}"
    first = work.notes[:1]
    count = next(
        (text for text in (_count(work, whole), _count(work, rounded)) if _fits(work, [text, times, *first], width)),
        _count(work, rounded),
    )
    parts = [count, times]
    rate = [say("{rate} {unit}/s", rate=_rate(work.rate), unit=work.unit)] if work.rate else []
    for note in (*first, *rate, *work.notes[1:]):
        if not _fits(work, [*parts, note], width, LEAST_BAR if note in first else READABLE_BAR):
            break
        parts.append(note)
    rest = GAP.join(parts)
    room = width - cells(rest) - 2 - LEAST_BAR
    label = cut(work.label, max(LEAST_LABEL, room))
    bar = _bar(work, min(MOST_BAR, max(LEAST_BAR, width - cells(label) - cells(rest) - 2)))
    return f"{label} {bar} {rest}"


def _fits(work: Work, parts: Sequence[str], width: int, bar: int = LEAST_BAR) -> bool:
    label = min(cells(work.label), max(LEAST_LABEL, width // 4))
    return label + 1 + bar + 1 + cells(GAP.join(parts)) <= width


def _bar(work: Work, length: int) -> str:
    share = min(1.0, work.done / work.total) if work.total else 0.0
    full = int(share * length)
    return FULL * full + EMPTY * (length - full)


def _count(work: Work, written: Callable[[float], str]) -> str:
    return f"{written(work.done)}/{written(work.total) if work.total is not None else '?'}"


def whole(number: float) -> str:
    return f"{number:,.0f}"


def rounded(number: float) -> str:
    """`1.23M`, `45.7k`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            shown = number / (1e3 if unit == "k" else size)
            return f"{shown:.3g}{unit}" if shown < 1_000 else f"{shown:.0f}{unit}"
    return whole(number)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"


def duration(seconds: float) -> str:
    """`8s`, `2m10s`, `1h02m`, `3d04h`: at most six characters up to 99 days."""
    whole_seconds = round(seconds)
    if whole_seconds < 60:
        return f"{whole_seconds}s"
    if whole_seconds < 3_600:
        return f"{whole_seconds // 60}m{whole_seconds % 60:02}s"
    minutes = whole_seconds // 60
    return (
        f"{minutes // 60}h{minutes % 60:02}m"
        if minutes < 24 * 60
        else f"{minutes // 1_440}d{minutes % 1_440 // 60:02}h"
    )


def cells(text: str) -> int:
    """Columns of a terminal: a syllable of Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """With spaces after it, up to `width` columns."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int) -> str:
    """Ends with `…` if it was longer."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return f"{text}…"
