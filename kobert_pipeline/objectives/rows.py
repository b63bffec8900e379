"""Rows of pieces from examples: what every objective's `collate` begins with. Shapes: B rows of L pieces, n of them text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.dataset.plan import Examples
from kobert_pipeline.dataset.ragged import gather, offsets_of
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.objective import TokenizerFacts


class Rows(NamedTuple):
    input_ids: np.ndarray
    """(B, L) int64, padded to the longest row."""
    token_type_ids: np.ndarray
    """(B, L) int64: 1 on the second segment and its [SEP], where segments are numbered."""
    attention_mask: np.ndarray
    """(B, L) bool, false on padding."""
    maskable: np.ndarray
    """(B, L) bool, false on special tokens and padding."""
    block: Block
    places: np.ndarray
    """(n,) where the maskable pieces, row by row, stand in the block."""

    def marks(self, name: str) -> np.ndarray:
        """(B, L) of one of the block's marks; 0 on special tokens and padding."""
        values = self.block.marks[name]
        spread = np.zeros(self.maskable.shape, dtype=values.dtype)
        spread[self.maskable] = values[self.places]
        return spread


def assemble(examples: Examples, chosen: np.ndarray, facts: TokenizerFacts, *, numbered: bool) -> Rows:
    """[CLS] range [SEP] range [SEP] … for each chosen example. `numbered`: the second range has segment number 1."""
    lengths = examples.lengths[chosen]
    shape = (len(chosen), int(lengths.max()))
    ranges, row_offsets = gather(examples.offsets, chosen)
    starts, sizes = examples.starts[ranges], examples.ends[ranges] - examples.starts[ranges]
    begins = _begins(sizes, row_offsets, shape[1])
    maskable = _between(begins, begins + sizes, shape)
    places = np.arange(sizes.sum()) + np.repeat(starts - offsets_of(sizes)[:-1], sizes)
    input_ids = np.full(shape, facts.pad_id, dtype=np.int64)
    input_ids[:, 0] = facts.cls_id
    input_ids.ravel()[begins + sizes] = facts.sep_id
    input_ids[maskable] = examples.block.tokens[places]
    second = row_offsets[:-1] + 1
    types = _between(begins[second], begins[second] + sizes[second] + 1, shape) if numbered else np.zeros(shape)
    attention_mask = np.arange(shape[1]) < lengths[:, None]
    return Rows(input_ids, types.astype(np.int64), attention_mask, maskable, examples.block, places)


def _begins(sizes: np.ndarray, row_offsets: np.ndarray, length: int) -> np.ndarray:
    """Position of each range's first piece in the rows laid end to end: [CLS] before a row's first, [SEP] after each."""
    before = offsets_of(sizes + 1)
    rows = np.repeat(np.arange(len(row_offsets) - 1), np.diff(row_offsets))
    begins: np.ndarray = rows * length + 1 + before[:-1] - before[row_offsets[rows]]
    return begins


def _between(begins: np.ndarray, ends: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(B, L) bool: true from each of `begins` to before its end, positions in the rows laid end to end; none overlap."""
    edges = np.zeros(shape[0] * shape[1] + 1, dtype=np.int8)
    edges[begins] += 1
    edges[ends] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8).astype(bool).reshape(shape)
