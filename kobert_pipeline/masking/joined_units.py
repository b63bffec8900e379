"""Runs of morphemes that are masked whole, such as names. Shapes: B rows of L tokens."""

from __future__ import annotations

import numpy as np


def run_starts(starts: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(B, L) bool: where a unit begins when neighbours that are both `inside` (B, L) are one unit, and all others are as
    `starts` (B, L) says."""
    continues = np.zeros_like(inside)
    continues[:, 1:] = inside[:, 1:] & inside[:, :-1]
    joined: np.ndarray = starts & ~continues
    return joined
