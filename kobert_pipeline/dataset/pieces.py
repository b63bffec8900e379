"""Sentences cut into pieces, and where eojeols begin: a shard at a time, without a Python step per token.

The fast path of the tokenizer returns neither offsets nor word numbers. None are needed: no piece crosses a space, so the
pieces of a sentence are those of its eojeols, one after the other. Each different eojeol of a shard is cut once. Only a
tokenizer that cuts at morphemes at use needs each sentence whole, and its offsets (`cut_in_context`).

Shapes: N pieces, E eojeols, S sentences.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.eojeols import cut_eojeols, flat, flat_starts
from kobert_pipeline.dataset.ragged import gather, offsets_of

BORDER = r"[\t\n\r\p{Z}]+"
"""What the tokenizer's normaliser takes for space. Python's and Arrow's own notions hold other control characters, too,
which the tokenizer deletes."""
SENTENCES_A_CALL = 4_096


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
    numbers = encoded.indices.to_numpy()
    unique = cut_eojeols(encoded.dictionary, tokenizer, with_inside=with_characters)
    found, offsets = gather(unique.offsets, numbers)
    sizes = pc.utf8_length(encoded.dictionary).to_numpy()[numbers]
    counts = np.diff(offsets)
    starts = np.zeros(len(found), dtype=bool)
    starts[offsets[:-1][counts > 0]] = True
    characters = None
    if unique.inside is not None:
        characters = unique.inside[found] + np.repeat(offsets_of(sizes)[:-1], counts)
    return Pieces(
        input_ids=unique.ids[found],
        eojeol_start=starts,
        sentence_offsets=offsets[eojeols.offsets.to_numpy()],
        characters=characters,
        swallowed=int(((counts == 0) & (sizes > 0)).sum()),
    )


def cut_in_context(eojeols: pa.ListArray, tokenizer: Any) -> Pieces:
    """The same for a tokenizer that cuts an eojeol by what stands around it. It takes longer: no eojeol is cut only once."""
    lines = pc.binary_join(eojeols, " ").to_pylist()
    ids, counts, starts = _cut_whole(lines, tokenizer)
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    spaces = offsets_of(np.frombuffer("".join(lines).encode("utf-32-le"), dtype="<u4") == ord(" "))
    places = starts + np.repeat(offsets_of(sizes)[:-1], counts)
    owners = spaces[places] + np.repeat(np.arange(len(lines)), counts)
    begins = np.append(True, owners[1:] != owners[:-1])[: len(owners)]
    filled = int((pc.utf8_length(eojeols.flatten()).to_numpy() > 0).sum())
    return Pieces(
        input_ids=ids,
        eojeol_start=begins,
        sentence_offsets=offsets_of(counts),
        characters=places - spaces[places],
        swallowed=filled - int(begins.sum()),
    )


def _cut_whole(lines: list[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces (N,), how many each line has (S,), and the characters of its line before each piece (N,)."""
    ids, counts, starts = [], [], []
    for first in range(0, len(lines), SENTENCES_A_CALL):
        encodings = tokenizer.encode_batch(lines[first : first + SENTENCES_A_CALL], add_special_tokens=False)
        ids.append(flat(encoding.ids for encoding in encodings))
        counts.append(np.fromiter(map(len, encodings), np.int64, len(encodings)))
        starts.append(flat_starts(encodings))
    return _joined(ids), _joined(counts), _joined(starts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *parts])
