"""Random numbers of a batch, from a counter: any rank draws only its own rows, and all of them in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORDS_PER_COUNT = 4
"""64-bit words that Philox gives for one value of its counter."""


@dataclass(frozen=True)
class RowGenerator:
    """Philox (Salmon et al. 2011) with the key (seed, batch); each row of the global batch has its own range of the
    counter.

    Draws for rows `first`, `first + 1`, … `first + rows - 1`. The numbers of a row depend neither on other rows nor on
    the padding: `width`, the most words that a row may draw, is the same for every batch of a run.
    """

    seed: int
    batch: int
    first: int
    rows: int
    width: int

    def words(self, purpose: int, length: int) -> np.ndarray:
        """Draws (rows, length) uniform uint64; each purpose gets its own. `length` is at most `width`."""
        assert length <= self.width, f"{length} words of a row of {self.width}"
        counts = -(-self.width // WORDS_PER_COUNT)
        key = np.array([self.seed, self.batch], dtype=np.uint64)
        philox = np.random.Philox(key=key, counter=[self.first * counts, 0, 0, purpose])
        words: np.ndarray = philox.random_raw(self.rows * counts * WORDS_PER_COUNT)
        return words.reshape(self.rows, -1)[:, :length]

    def of_rows(self, purpose: int) -> list[np.random.Generator]:
        """A generator for each row, for draws whose number is not known before."""
        return [np.random.Generator(np.random.Philox(key=key)) for key in self.words(purpose, 2)]


LOW = np.uint64(0x00000000FFFFFFFF)
"""Selects the low half of a word, which serves as a second random number."""


def uniform(half: np.ndarray) -> np.ndarray:
    """Turns low halves of words into float64 in [0, 1)."""
    return half.astype(np.float64) * 2.0**-32
