"""Random numbers of a batch: one counter-based generator a row, so that any rank can draw any row by itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

RowGenerators = list[np.random.Generator]


def row_generators(seed: int, batch: int, rows: Iterable[int]) -> RowGenerators:
    """A Philox generator for each row of the global batch, keyed by (seed, batch), its counter starting at the row."""
    return [np.random.Generator(np.random.Philox(key=[seed, batch], counter=[0, 0, 0, row])) for row in rows]
