"""Sentences cut into pieces, and where eojeols begin: a shard at a time, without a Python step per token.

The fast path of the tokenizer returns neither offsets nor word numbers. None are needed: no piece crosses a space, so the
pieces of a sentence are those of its eojeols, one after the other. Each different eojeol of a shard is cut once.

Shapes: N pieces, E eojeols, S sentences.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.ragged import gather, offsets_of

BORDER = r"[\t\n\r\p{Z}]+"
"""What the tokenizer's normaliser takes for space. Python's and Arrow's own notions hold other control characters, too,
which the tokenizer deletes."""


class Pieces(NamedTuple):
    input_ids: np.ndarray
    """(N,) int64, without special tokens."""
    eojeol_start: np.ndarray
    """(N,) bool."""
    sentence_offsets: np.ndarray
    """(S + 1,) into the pieces."""
    characters: np.ndarray | None
    """(N,) characters of the shard before the piece, spaces not counted; None unless asked for."""
    swallowed: int
    """Eojeols of which no piece is left (nothing but characters that the tokenizer deletes)."""


def split_eojeols(sentences: pa.Array) -> pa.ListArray:
    """(S,) strings -> lists of eojeols. Spaces at either end leave an empty one there, which has no pieces."""
    return pc.split_pattern_regex(sentences, pattern=BORDER)


def cut(eojeols: pa.ListArray, tokenizer: Any, *, with_characters: bool = False) -> Pieces:
    """The pieces of sentences given as lists of eojeols; `tokenizer` is a `tokenizers.Tokenizer`."""
    encoded = eojeols.values.dictionary_encode()
    words, numbers = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    encode = tokenizer.encode_batch if with_characters else tokenizer.encode_batch_fast
    encodings = encode(words, add_special_tokens=False)
    word_offsets = offsets_of(np.fromiter(map(len, encodings), np.int64, len(encodings)))
    found, eojeol_offsets = gather(word_offsets, numbers)
    sizes = np.fromiter(map(len, words), np.int64, len(words))[numbers]
    return Pieces(
        input_ids=_flat((encoding.ids for encoding in encodings), int(word_offsets[-1]))[found],
        eojeol_start=_starts(eojeol_offsets),
        sentence_offsets=eojeol_offsets[eojeols.offsets.to_numpy()],
        characters=_characters(encodings, found, sizes, eojeol_offsets) if with_characters else None,
        swallowed=int(((np.diff(eojeol_offsets) == 0) & (sizes > 0)).sum()),
    )


def _flat(lists: Any, length: int) -> np.ndarray:
    return np.fromiter(chain.from_iterable(lists), np.int64, length)


def _starts(offsets: np.ndarray) -> np.ndarray:
    starts = np.zeros(offsets[-1], dtype=bool)
    starts[offsets[:-1][np.diff(offsets) > 0]] = True
    return starts


def _characters(encodings: Any, found: np.ndarray, sizes: np.ndarray, eojeol_offsets: np.ndarray) -> np.ndarray:
    lists = ([start for start, _ in encoding.offsets] for encoding in encodings)
    inside: np.ndarray = np.fromiter(chain.from_iterable(lists), np.int64)[found]
    inside += np.repeat(offsets_of(sizes)[:-1], np.diff(eojeol_offsets))
    return inside
