"""Random numbers of a batch: counter-based, so that any rank draws its own rows by itself, and all rows in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORDS_A_COUNT = 4
"""64-bit words that Philox gives for one value of its counter."""


@dataclass(frozen=True)
class RowGenerator:
    """Philox (Salmon et al. 2011) keyed by (seed, batch), each row of the global batch at its own place of the counter.

    Holds rows `first`, `first + 1`, … `first + rows - 1`. What a row draws depends on neither its neighbours nor the
    padding: `width`, the words that a row may draw, is the same for every batch of a run.
    """

    seed: int
    batch: int
    first: int
    rows: int
    width: int

    def words(self, purpose: int, length: int) -> np.ndarray:
        """(rows, length) uint64, uniform; each purpose has its own. `length` is at most `width`."""
        assert length <= self.width, f"{length} words of a row of {self.width}"
        counts = -(-self.width // WORDS_A_COUNT)
        key = np.array([self.seed, self.batch], dtype=np.uint64)
        philox = np.random.Philox(key=key, counter=[self.first * counts, 0, 0, purpose])
        words: np.ndarray = philox.random_raw(self.rows * counts * WORDS_A_COUNT)
        return words.reshape(self.rows, -1)[:, :length]


LOW = np.uint64(0x00000000FFFFFFFF)
"""The low half of a word: a random number of its own."""


def uniform(half: np.ndarray) -> np.ndarray:
    """Low halves of words -> float64 in [0, 1)."""
    return half.astype(np.float64) * 2.0**-32
