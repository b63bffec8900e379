"""Units that are masked whole: sequences of tokens. Shapes: B rows of L tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

POSITION = np.uint32(0xFFFF)
"""The half of a sorting key that holds the position: rows have at most 65,536 tokens."""
NEVER_FITS = np.iinfo(np.int64).max


class Units(NamedTuple):
    begins: np.ndarray
    """(B, L) bool: the token is the first of its unit."""
    first: np.ndarray
    """(B, L) position of the first token of each token's unit; undefined on tokens that cannot be masked."""
    size: np.ndarray
    """(B, L) number of tokens of the unit, at its first token; 0 elsewhere."""


def units_of(starts: np.ndarray, maskable: np.ndarray) -> Units:
    """Finds the units: each begins at one of `starts` (B, L) and ends before the next start, special token or
    padding."""
    before = np.zeros_like(maskable)
    before[:, 1:] = maskable[:, :-1]
    begins = maskable & (starts | ~before)
    rows, length = begins.shape
    first = np.maximum.accumulate(np.where(begins, np.arange(length), 0), axis=1)
    flat = (first + np.arange(rows)[:, None] * length)[maskable]
    return Units(begins, first, np.bincount(flat, minlength=rows * length).reshape(rows, length))


def choose_tokens(keys: np.ndarray, maskable: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """(B, L) bool: in each row, the `budget` (B,) maskable tokens with the smallest keys (B, L)."""
    ordered = _ordered(keys, maskable)
    last = np.take_along_axis(np.sort(ordered, axis=1), np.maximum(budget - 1, 0)[:, None], axis=1)
    chosen: np.ndarray = maskable & (ordered <= last) & (budget > 0)[:, None]
    return chosen


def choose_units(keys: np.ndarray, units: Units, maskable: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """(B, L) bool: the tokens of whole units, taken in the order of their keys (B, L) while they fit the `budget` (B,).

    A unit that does not fit is skipped (as in BERT's code release of 2019).
    """
    count = int(units.begins.sum(axis=1).max(initial=0))
    order = (np.sort(_ordered(keys, units.begins), axis=1)[:, :count] & POSITION).astype(np.int64)
    taken = take_while_they_fit(np.take_along_axis(units.size, order, axis=1), budget)
    chosen = np.zeros_like(maskable)
    np.put_along_axis(chosen, order, taken, axis=1)
    spread: np.ndarray = maskable & np.take_along_axis(chosen, units.first, axis=1)
    return spread


def _ordered(keys: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """(B, L) uint32: the high 16 bits of each key, then its position as the low 16. So no two are equal, and 32 bits
    are sorted twice as fast as 64. Positions that are not candidates come last."""
    high = np.where(candidates, (keys >> np.uint64(32)).astype(np.uint32) & ~POSITION, ~POSITION)
    return high | np.arange(keys.shape[1], dtype=np.uint32)


def take_while_they_fit(sizes: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Chooses which of `sizes` (B, U) to take, from left to right, so that the sum of each row stays within its budget.
    Sizes of 0 fill up shorter rows and are not taken.

    One pass takes everything up to the first size that no longer fits. Little room is left then, so few passes over few
    rows follow.
    """
    taken, left = np.zeros(sizes.shape, dtype=bool), budget.copy()
    rows, waiting = np.arange(len(sizes)), sizes
    while len(rows):
        fitting = np.where(waiting <= left[rows, None], waiting, 0)
        now = (np.cumsum(fitting, axis=1) <= left[rows, None]) & (fitting > 0)
        taken[rows] |= now
        left[rows] -= np.where(now, fitting, 0).sum(axis=1)
        fitting[now] = 0
        unfinished = (left[rows] > 0) & fitting.any(axis=1)
        rows, waiting = rows[unfinished], np.where(fitting, fitting, NEVER_FITS)[unfinished]
    return taken
