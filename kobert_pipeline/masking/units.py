"""Units that are masked whole: runs of pieces. Shapes: B rows of L pieces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.masking.generators import HIGH


class Units(NamedTuple):
    begins: np.ndarray
    """(B, L) bool: the piece is the first of its unit."""
    first: np.ndarray
    """(B, L) position of the first piece of each piece's unit; means nothing where there is nothing to mask."""
    size: np.ndarray
    """(B, L) pieces of the unit, at its first piece; 0 elsewhere."""


def units_of(starts: np.ndarray, maskable: np.ndarray) -> Units:
    """Units begin at `starts` (B, L) and end before the next start, special token or padding."""
    before = np.zeros_like(maskable)
    before[:, 1:] = maskable[:, :-1]
    begins = maskable & (starts | ~before)
    rows, length = begins.shape
    first = np.maximum.accumulate(np.where(begins, np.arange(length), 0), axis=1)
    flat = (first + np.arange(rows)[:, None] * length)[maskable]
    return Units(begins, first, np.bincount(flat, minlength=rows * length).reshape(rows, length))


def choose_pieces(keys: np.ndarray, maskable: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """(B, L) bool: in each row the `budget` (B,) maskable pieces with the smallest keys (B, L)."""
    ordered = _ordered(keys, maskable)
    last = np.take_along_axis(np.sort(ordered, axis=1), np.maximum(budget - 1, 0)[:, None], axis=1)
    chosen: np.ndarray = maskable & (ordered <= last) & (budget > 0)[:, None]
    return chosen


def choose_units(keys: np.ndarray, units: Units, maskable: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """(B, L) bool: the pieces of whole units, taken in the order of their keys (B, L) while they fit the `budget` (B,).

    A unit that does not fit is passed over (as in BERT's code release of 2019).
    """
    order = (np.sort(_ordered(keys, units.begins), axis=1) & ~HIGH).astype(np.int64)
    taken = take_while_they_fit(np.take_along_axis(units.size, order, axis=1), budget)
    chosen = np.zeros_like(maskable)
    np.put_along_axis(chosen, order, taken, axis=1)
    spread: np.ndarray = maskable & np.take_along_axis(chosen, units.first, axis=1)
    return spread


def _ordered(keys: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The high half of each key, with its position as the low half: no two are equal. Others than candidates come last."""
    return np.where(candidates, keys & HIGH, HIGH) | np.arange(keys.shape[1], dtype=np.uint64)


def take_while_they_fit(sizes: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Which of `sizes` (B, U) to take, from left to right, so that no row's sum exceeds its budget.

    One pass takes everything up to the first that does not fit any more; few are needed, since little is left after it.
    """
    taken, left = np.zeros(sizes.shape, dtype=bool), budget.copy()
    waiting = np.ones(sizes.shape, dtype=bool)
    while waiting.any():
        waiting &= sizes <= left[:, None]
        total = np.cumsum(np.where(waiting, sizes, 0), axis=1)
        fitting = waiting & (total <= left[:, None])
        left -= np.where(fitting, sizes, 0).sum(axis=1)
        taken |= fitting
        waiting &= ~fitting
    return taken
