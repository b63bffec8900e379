"""What can be said of a page by looking at its picture: where which colours are, how much is ink, how large the gaps are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
from browser import Browser

Pixels = np.ndarray[Any, np.dtype[np.int16]]
"""Rows x columns x (red, green, blue), 0 to 255."""
TOLERANCE, FAINT = 12, 40
"""Of a channel: edges are smoothed; and what differs less from the background is none that one reads."""
SHEET = 688
"""Width in CSS pixels of what a sheet of A4 shows between margins of 14 mm."""


@dataclass(frozen=True)
class Screenshot:
    pixels: Pixels
    background: tuple[int, int, int]

    def share(self, colour: tuple[int, int, int]) -> float:
        """Of the pixels that have this colour, 0 to 1."""
        return float(np.mean(_near(self.pixels, colour)))

    @property
    def ink(self) -> Any:
        """Which pixels are neither background nor panel: text, lines, bars."""
        return ~_near(self.pixels, self.background, FAINT)

    @property
    def gap(self) -> int:
        """The most rows in sequence of which each has one colour."""
        plain = np.all(self.pixels == self.pixels[:, :1], axis=(1, 2))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], plain.astype(np.int8), [0]])))
        return int(max(edges[1::2] - edges[::2], default=0))

    @property
    def brightness(self) -> float:
        """Mean of all channels, 0 to 255."""
        return float(self.pixels.mean())

    def part(self, box: tuple[float, float, float, float]) -> Screenshot:
        """`box`: left, top, width and height in the page's own pixels."""
        left, top, width, height = (round(value) for value in box)
        return Screenshot(self.pixels[max(0, top) : top + height, max(0, left) : left + width], self.background)


def _near(pixels: Pixels, colour: tuple[int, int, int], tolerance: int = TOLERANCE) -> Any:
    return np.all(np.abs(pixels - np.array(colour, dtype=np.int16)) <= tolerance, axis=-1)


def take(browser: Browser, target: Path) -> Screenshot:
    """Of the whole page, as it stands open. The PNG stays at `target`."""
    browser.screenshot(target)
    read = matplotlib.image.imread(target)
    return Screenshot((read[..., :3] * 255).round().astype(np.int16), colour(browser, "var(--page)"))


def box(browser: Browser, selector: str, number: int = 0) -> tuple[float, float, float, float]:
    """Where the element lies on the page: left, top, width, height."""
    found = browser.evaluate(
        f"(() => {{ const at = document.querySelectorAll({selector!r})[{number}].getBoundingClientRect();"
        " return [at.left + scrollX, at.top + scrollY, at.width, at.height]; })()"
    )
    return (found[0], found[1], found[2], found[3])


def colour(browser: Browser, css: str) -> tuple[int, int, int]:
    """A colour of the page's style sheet, `var(--noun)`, as the open page has it: light or dark."""
    shown = browser.evaluate(
        "(() => { const probe = document.createElement('i'); document.body.append(probe);"
        f" probe.style.color = {css!r}; const found = getComputedStyle(probe).color; probe.remove(); return found; }})()"
    )
    red, green, blue = (int(value) for value in re.findall(r"\d+", shown)[:3])
    return red, green, blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Of two colours, 1 to 21 (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    dark, light = sorted(_luminance(each) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def cut_off(browser: Browser, width: int) -> list[str]:
    """Elements that reach beyond the page's right edge, those aside that can be scrolled."""
    found: list[str] = browser.evaluate(
        "[...document.querySelectorAll('main *')]"
        f".filter(each => each.getBoundingClientRect().right > {width} + 1 && !each.closest('.wide, pre, nav, .picture'))"
        ".slice(0, 5).map(each => each.outerHTML.slice(0, 100))"
    )
    return found
