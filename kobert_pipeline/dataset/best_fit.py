"""Packs several examples into one row, so that almost no position is padding. Pure: takes lengths, returns rows.

Shapes: n examples; B of them in R rows of `row_length` positions, at most K in a row.
"""

from __future__ import annotations

import numpy as np

from kobert_pipeline.dataset.ragged import offsets_of

EMPTY = -1


def best_fit(lengths: np.ndarray, row_length: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the numbers (R, K) of the examples of each row, EMPTY after the last. Every example is in exactly one
    row.

    Best-fit decreasing (Ding et al. 2024, section 3): the longest first, each into the fullest row that has room for
    it. `lengths` (n,) are at most `row_length`. Equal lengths come in random order, so that no two epochs are packed
    alike.
    """
    shuffled = rng.permutation(len(lengths))
    order = shuffled[np.argsort(-lengths[shuffled], kind="stable")]
    rows: list[list[int]] = []
    by_room: list[list[list[int]]] = [[] for _ in range(row_length + 1)]
    rooms = 0
    """Bit r is set when some row has room for exactly r positions."""
    for example, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        enough = rooms >> length
        if enough:
            room = length + (enough & -enough).bit_length() - 1
            row = by_room[room].pop()
            rooms ^= 0 if by_room[room] else 1 << room
        else:
            row, room = [], row_length
            rows.append(row)
        row.append(example)
        by_room[room - length].append(row)
        rooms |= 1 << (room - length)
    return _as_array(rows)


def _as_array(rows: list[list[int]]) -> np.ndarray:
    counts = np.array([len(row) for row in rows], dtype=np.int64)
    filled = np.full((len(rows), int(counts.max(initial=0))), EMPTY, dtype=np.int64)
    filled[np.arange(filled.shape[1]) < counts[:, None]] = [example for row in rows for example in row]
    return filled


def layout(lengths: np.ndarray, rows: np.ndarray, row_length: int, width: int) -> np.ndarray:
    """Returns (R, row_length) int32: which token of the batch is at each position of the `rows` (R, K); -1 on padding.

    The batch holds the rows' examples in order, padded to `width`: token t of the batch's example b has number
    b * width + t. So the number also gives the example and the position within it.
    """
    used = rows != EMPTY
    sizes = np.where(used, lengths[rows], 0)
    ends = np.cumsum(sizes, axis=1) + np.arange(len(rows))[:, None] * row_length
    sizes, starts = sizes[used], (ends - sizes)[used]
    before, tokens = offsets_of(sizes)[:-1], np.arange(sizes.sum())
    positions = np.full(len(rows) * row_length, EMPTY, dtype=np.int32)
    numbers = tokens + np.repeat(np.arange(len(sizes)) * width - before, sizes)
    positions[tokens + np.repeat(starts - before, sizes)] = numbers
    return positions.reshape(len(rows), row_length)
