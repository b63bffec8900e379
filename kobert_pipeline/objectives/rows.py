"""Rows of pieces from examples: what every objective's `collate` begins with. Shapes: B rows of L pieces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.dataset.plan import Examples
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


def assemble(examples: Examples, chosen: np.ndarray, facts: TokenizerFacts, *, numbered: bool) -> Rows:
    """[CLS] range [SEP] range [SEP] … for each chosen example. `numbered`: the second range has segment number 1."""
    length = int(examples.lengths[chosen].max())
    shape = (len(chosen), length)
    input_ids = np.full(shape, facts.pad_id, dtype=np.int64)
    token_type_ids, maskable = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    input_ids[:, 0] = facts.cls_id
    for row, example in enumerate(chosen.tolist()):
        position = 1
        for number, (start, end) in enumerate(examples.ranges(example)):
            stop = position + end - start
            input_ids[row, position:stop] = examples.block.tokens[start:end]
            input_ids[row, stop] = facts.sep_id
            maskable[row, position:stop] = True
            if numbered and number:
                token_type_ids[row, position : stop + 1] = 1
            position = stop + 1
    attention_mask = np.arange(length) < examples.lengths[chosen][:, None]
    return Rows(input_ids, token_type_ids, attention_mask, maskable)
