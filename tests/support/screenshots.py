"""Measures a page by its picture: where which colours are, how much of it is ink, how large its gaps are."""

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
"""Differences of a colour channel. Up to TOLERANCE two colours are equal, because edges are smoothed; up to FAINT a
pixel counts as background, because nobody could read it."""
SHEET = 688
"""Width in CSS pixels of an A4 sheet between margins of 14 mm."""


@dataclass(frozen=True)
class Screenshot:
    pixels: Pixels
    background: tuple[int, int, int]

    def share(self, colour: tuple[int, int, int]) -> float:
        """Share of the pixels that have this colour, 0 to 1."""
        return float(np.mean(_near(self.pixels, colour)))

    @property
    def ink(self) -> Any:
        """Marks the pixels that are neither background nor panel: text, lines, bars."""
        return ~_near(self.pixels, self.background, FAINT)

    @property
    def gap(self) -> int:
        """The largest number of successive rows that have a single colour each."""
        plain = np.all(self.pixels == self.pixels[:, :1], axis=(1, 2))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], plain.astype(np.int8), [0]])))
        return int(max(edges[1::2] - edges[::2], default=0))

    @property
    def brightness(self) -> float:
        """Mean of all channels, 0 to 255."""
        return float(self.pixels.mean())

    def part(self, box: tuple[float, float, float, float]) -> Screenshot:
        """Cuts out a rectangle. `box`: left, top, width and height in CSS pixels of the page."""
        left, top, width, height = (round(value) for value in box)
        return Screenshot(self.pixels[max(0, top) : top + height, max(0, left) : left + width], self.background)


def _near(pixels: Pixels, colour: tuple[int, int, int], tolerance: int = TOLERANCE) -> Any:
    return np.all(np.abs(pixels - np.array(colour, dtype=np.int16)) <= tolerance, axis=-1)


def take(browser: Browser, target: Path) -> Screenshot:
    """Takes a screenshot of the whole open page and keeps the PNG at `target`."""
    browser.screenshot(target)
    read = matplotlib.image.imread(target)
    return Screenshot((read[..., :3] * 255).round().astype(np.int16), colour(browser, "var(--page)"))


def box(browser: Browser, selector: str, number: int = 0) -> tuple[float, float, float, float]:
    """Position of the element on the page: left, top, width, height."""
    found = browser.evaluate(
        f"(() => {{ const at = document.querySelectorAll({selector!r})[{number}].getBoundingClientRect();"
        " return [at.left + scrollX, at.top + scrollY, at.width, at.height]; })()"
    )
    return (found[0], found[1], found[2], found[3])


def colour(browser: Browser, css: str) -> tuple[int, int, int]:
    """A colour of the style sheet, such as `var(--noun)`, in the light or dark scheme of the open page."""
    shown = browser.evaluate(
        "(() => { const probe = document.createElement('i'); document.body.append(probe);"
        f" probe.style.color = {css!r}; const found = getComputedStyle(probe).color; probe.remove(); return found; }})()"
    )
    red, green, blue = (int(value) for value in re.findall(r"\d+", shown)[:3])
    return red, green, blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio of two colours, 1 to 21 (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    dark, light = sorted(_luminance(each) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def cut_off(browser: Browser, width: int) -> list[str]:
    """Elements that extend beyond the right edge of the page, except those that can be scrolled."""
    found: list[str] = browser.evaluate(
        "[...document.querySelectorAll('main *')]"
        f".filter(each => each.getBoundingClientRect().right > {width} + 1 && !each.closest('.wide, pre, nav, .picture'))"
        ".slice(0, 5).map(each => each.outerHTML.slice(0, 100))"
    )
    return found
