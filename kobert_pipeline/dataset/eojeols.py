"""Eojeols cut into pieces, each by itself, many at a time.

Calling the tokenizer once an eojeol costs more than the cutting. So most are handed over in lines of a few hundred, and told
apart afterwards by their words: a piece without `##` begins a word, and how many words an eojeol has is plain to see where it
is made of nothing but Hangul syllables and ASCII.

Shapes: E eojeols, N pieces.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.ragged import gather, offsets_of

PLAIN = "^[!-~가-힣]+$"
WORD = r"[!-/:-@\[-`{-~]|[0-9A-Za-z가-힣]+"
"""In plain text: a punctuation mark, or a run of anything else (BERT's pre-tokenizer)."""
INNER = "##"
EOJEOLS_A_LINE = 256


class Cut(NamedTuple):
    ids: np.ndarray
    """(N,) int64."""
    offsets: np.ndarray
    """(E + 1,) into the pieces."""
    inside: np.ndarray | None
    """(N,) characters of the eojeol before the piece; None unless asked for."""


def cut_eojeols(eojeols: pa.Array, tokenizer: Any, *, with_inside: bool) -> Cut:
    """The pieces of each eojeol (E,), in order; `tokenizer` is a `tokenizers.Tokenizer`."""
    plain = pc.match_substring_regex(eojeols, PLAIN).to_numpy(zero_copy_only=False)
    together = _cut_lines(eojeols.filter(pa.array(plain)), tokenizer, with_inside)
    alone = _cut_alone(eojeols.filter(pa.array(~plain)), tokenizer, with_inside)
    order = np.argsort(np.concatenate([np.flatnonzero(plain), np.flatnonzero(~plain)]))
    counts = np.concatenate([np.diff(together.offsets), np.diff(alone.offsets)])
    found, offsets = gather(offsets_of(counts), order)
    inside = None
    if together.inside is not None and alone.inside is not None:
        inside = np.concatenate([together.inside, alone.inside])[found]
    return Cut(np.concatenate([together.ids, alone.ids])[found], offsets, inside)


def _cut_lines(eojeols: pa.Array, tokenizer: Any, with_inside: bool) -> Cut:
    texts = eojeols.to_pylist()
    lines = [" ".join(texts[first : first + EOJEOLS_A_LINE]) for first in range(0, len(texts), EOJEOLS_A_LINE)]
    encodings = _encode(lines, tokenizer, with_inside)
    ids = flat(encoding.ids for encoding in encodings)
    words = pc.count_substring_regex(eojeols, WORD).to_numpy()
    starts = np.flatnonzero(_begins_word(ids, tokenizer))
    if len(starts) != words.sum():  # a tokenizer with other words than BERT's
        return _cut_alone(eojeols, tokenizer, with_inside)
    offsets = np.append(starts[offsets_of(words)[:-1]], len(ids))
    if not with_inside:
        return Cut(ids, offsets, None)
    before = offsets_of(pc.utf8_length(eojeols).to_numpy() + 1)[:-1]
    before = before - before[np.arange(len(before)) // EOJEOLS_A_LINE * EOJEOLS_A_LINE]
    return Cut(ids, offsets, flat_starts(encodings) - np.repeat(before, np.diff(offsets)))


def _cut_alone(eojeols: pa.Array, tokenizer: Any, with_inside: bool) -> Cut:
    encodings = _encode(eojeols.to_pylist(), tokenizer, with_inside)
    offsets = offsets_of(np.fromiter(map(len, encodings), np.int64, len(encodings)))
    ids = flat(encoding.ids for encoding in encodings)
    return Cut(ids, offsets, flat_starts(encodings) if with_inside else None)


def _encode(texts: list[str], tokenizer: Any, with_offsets: bool) -> Any:
    encode = tokenizer.encode_batch if with_offsets else tokenizer.encode_batch_fast
    return encode(texts, add_special_tokens=False)


def flat(lists: Any) -> np.ndarray:
    """Numbers of all lists, one after the other: int64."""
    return np.fromiter(chain.from_iterable(lists), np.int64)


def flat_starts(encodings: Any) -> np.ndarray:
    """Characters of its text before each piece."""
    return flat([start for start, _ in encoding.offsets] for encoding in encodings)


def _begins_word(ids: np.ndarray, tokenizer: Any) -> np.ndarray:
    kinds, numbers = np.unique(ids, return_inverse=True)
    begins = [not tokenizer.id_to_token(kind).startswith(INNER) for kind in kinds.tolist()]
    return np.array(begins, dtype=bool)[numbers]
