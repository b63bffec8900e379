"""Cuts sentences into tokens and finds where eojeols begin: a shard at a time, without a Python step per token.

The fast path of the tokenizer returns neither offsets nor word numbers. They are not needed: no token crosses a space,
so the tokens of a sentence are those of its eojeols, one after the other. Each distinct eojeol of a shard is cut once.
Only a tokenizer that cuts at morphemes at use needs whole sentences and their offsets (`tokenise_in_context`).

Shapes: N tokens, E eojeols, S sentences.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.eojeols import concatenated, token_starts, tokenise_eojeols
from kobert_pipeline.dataset.ragged import gather, offsets_of

BORDER = r"[\t\n\r\p{Z}]+"
"""What the tokenizer's normaliser treats as space. Python and Arrow also count other control characters, which the
tokenizer deletes."""
SENTENCES_PER_CALL = 4_096


class Tokens(NamedTuple):
    input_ids: np.ndarray
    """(N,) int64, without special tokens."""
    eojeol_start: np.ndarray
    """(N,) bool."""
    sentence_offsets: np.ndarray
    """(S + 1,) into the tokens."""
    characters: np.ndarray | None
    """(N,) characters of the shard before the token, spaces not counted; None unless requested."""
    swallowed: int
    """Eojeols without tokens: the tokenizer deletes all their characters."""


def split_eojeols(sentences: pa.Array) -> pa.ListArray:
    """Splits (S,) strings into lists of eojeols. A space at either end leaves an empty eojeol there, which has no
    tokens."""
    return pc.split_pattern_regex(sentences, pattern=BORDER)


def tokenise(eojeols: pa.ListArray, tokenizer: Any, *, with_characters: bool = False) -> Tokens:
    """Cuts sentences, given as lists of eojeols, into tokens; `tokenizer` is a `tokenizers.Tokenizer`."""
    encoded = eojeols.values.dictionary_encode()
    numbers = encoded.indices.to_numpy()
    distinct = tokenise_eojeols(encoded.dictionary, tokenizer, with_inside=with_characters)
    indices, offsets = gather(distinct.offsets, numbers)
    sizes = pc.utf8_length(encoded.dictionary).to_numpy()[numbers]
    counts = np.diff(offsets)
    starts = np.zeros(len(indices), dtype=bool)
    starts[offsets[:-1][counts > 0]] = True
    characters = None
    if distinct.inside is not None:
        characters = distinct.inside[indices] + np.repeat(offsets_of(sizes)[:-1], counts)
    return Tokens(
        input_ids=distinct.ids[indices],
        eojeol_start=starts,
        sentence_offsets=offsets[eojeols.offsets.to_numpy()],
        characters=characters,
        swallowed=int(((counts == 0) & (sizes > 0)).sum()),
    )


def tokenise_in_context(eojeols: pa.ListArray, tokenizer: Any) -> Tokens:
    """Does the same for a tokenizer whose cuts of an eojeol depend on the text around it. Slower: an eojeol is cut each
    time it occurs."""
    lines = pc.binary_join(eojeols, " ").to_pylist()
    ids, counts, starts = _tokenise_lines(lines, tokenizer)
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    spaces = offsets_of(np.frombuffer("".join(lines).encode("utf-32-le"), dtype="<u4") == ord(" "))
    positions = starts + np.repeat(offsets_of(sizes)[:-1], counts)
    owners = spaces[positions] + np.repeat(np.arange(len(lines)), counts)
    begins = np.append(True, owners[1:] != owners[:-1])[: len(owners)]
    filled = int((pc.utf8_length(eojeols.flatten()).to_numpy() > 0).sum())
    return Tokens(
        input_ids=ids,
        eojeol_start=begins,
        sentence_offsets=offsets_of(counts),
        characters=positions - spaces[positions],
        swallowed=filled - int(begins.sum()),
    )


def _tokenise_lines(lines: list[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Token ids (N,), the number of tokens of each line (S,), and the characters of its line before each token (N,)."""
    ids, counts, starts = [], [], []
    for first in range(0, len(lines), SENTENCES_PER_CALL):
        encodings = tokenizer.encode_batch(lines[first : first + SENTENCES_PER_CALL], add_special_tokens=False)
        ids.append(concatenated(encoding.ids for encoding in encodings))
        counts.append(np.fromiter(map(len, encodings), np.int64, len(encodings)))
        starts.append(token_starts(encodings))
    return _joined(ids), _joined(counts), _joined(starts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *parts])
