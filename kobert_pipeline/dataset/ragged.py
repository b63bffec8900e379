"""Lists of unequal length as two arrays: `values` (N,) and `offsets` (n + 1,); list i is `values[offsets[i]:offsets[i +
1]]`."""

from __future__ import annotations

import numpy as np


def offsets_of(counts: np.ndarray) -> np.ndarray:
    """Turns (n,) lengths into (n + 1,) int64 offsets."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def gather(offsets: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the values of the `chosen` (m,) lists, one list after the other, and the offsets (m + 1,)
    of the result."""
    counts = np.diff(offsets)[chosen]
    joined = offsets_of(counts)
    shift = np.repeat(offsets[chosen] - joined[:-1], counts)
    return np.arange(len(shift)) + shift, joined
