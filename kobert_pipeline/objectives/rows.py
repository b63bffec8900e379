"""Rows of tokens from examples: what the `collate` of every objective begins with. Shapes: B rows of L tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.dataset.plan import Examples
from kobert_pipeline.dataset.ragged import gather, offsets_of
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.objective import TokenizerInfo


class Rows(NamedTuple):
    input_ids: np.ndarray
    """(B, L) int64, padded to the longest row."""
    token_type_ids: np.ndarray
    """(B, L) int64: 1 on the second segment and its [SEP], if segments are numbered."""
    attention_mask: np.ndarray
    """(B, L) bool, false on padding."""
    maskable: np.ndarray
    """(B, L) bool, false on special tokens and padding."""
    block: Block
    places: np.ndarray
    """(B, L) place of each maskable token in the block; without meaning elsewhere."""

    def annotations(self, name: str) -> np.ndarray:
        """(B, L) of one of the annotations of the block; without meaning on special tokens and padding."""
        values: np.ndarray = self.block.annotations[name].take(self.places, mode="clip")
        return values


def assemble(examples: Examples, chosen: np.ndarray, info: TokenizerInfo, *, numbered: bool) -> Rows:
    """[CLS] range [SEP] range [SEP] … for each chosen example. `numbered`: the second range has segment number 1."""
    lengths = examples.lengths[chosen]
    shape = (len(chosen), int(lengths.max()))
    ranges, row_offsets = gather(examples.offsets, chosen)
    starts, sizes = examples.starts[ranges], examples.ends[ranges] - examples.starts[ranges]
    begins = _begins(sizes, row_offsets, shape[1])
    maskable = _stretches(begins, begins + sizes, np.array([False, True]), shape)
    places = _places(starts, begins, shape)
    tokens = examples.block.tokens.take(places, mode="clip")
    input_ids = np.where(maskable, tokens, info.pad_id).astype(np.int64)
    input_ids[:, 0] = info.cls_id
    input_ids.ravel()[begins + sizes] = info.sep_id
    second = row_offsets[:-1] + 1 if numbered else row_offsets[:0]
    types = _stretches(begins[second], begins[second] + sizes[second] + 1, np.array([0, 1]), shape)
    return Rows(input_ids, types, np.arange(shape[1]) < lengths[:, None], maskable, examples.block, places)


def cls_last(attention_mask: np.ndarray) -> np.ndarray:
    """(B, L) where each token of A [SEP] B [SEP] [CLS], padded at the front, is in rows as `assemble` makes them: for
    `np.take_along_axis`."""
    length = attention_mask.shape[1]
    padding = length - attention_mask.sum(axis=1, keepdims=True)
    places: np.ndarray = np.arange(length) - padding + 1
    places[:, -1] = 0
    return np.where(np.arange(length) < padding, length - 1, places)


def _begins(sizes: np.ndarray, row_offsets: np.ndarray, length: int) -> np.ndarray:
    """Position of the first token of each range in the rows laid end to end: [CLS] before a row's first, [SEP] after each."""
    before = offsets_of(sizes + 1)
    rows = np.repeat(np.arange(len(row_offsets) - 1), np.diff(row_offsets))
    begins: np.ndarray = rows * length + 1 + before[:-1] - before[row_offsets[rows]]
    return begins


def _places(starts: np.ndarray, begins: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(B, L): from each of `begins` on, the places in the block from its start on."""
    counts = np.diff(begins, prepend=0, append=shape[0] * shape[1])
    places: np.ndarray = np.repeat(np.append(0, starts - begins), counts)
    places += np.arange(len(places))
    return places.reshape(shape)


def _stretches(begins: np.ndarray, ends: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(B, L): the second of `values` from each of `begins` to before its end, the first elsewhere. Positions in the rows
    laid end to end, in order; none overlap."""
    borders = np.stack([begins, ends], axis=1).ravel()
    counts = np.diff(borders, prepend=0, append=shape[0] * shape[1])
    spread: np.ndarray = np.repeat(values[np.arange(len(counts)) % 2], counts)
    return spread.reshape(shape)
