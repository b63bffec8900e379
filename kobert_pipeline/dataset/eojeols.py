"""Cuts eojeols into tokens, each independently of the others, many in one call.

One call of the tokenizer for each eojeol costs more than the cutting itself. So most eojeols are joined into lines of a
few hundred, and the tokens of a line are divided among its eojeols afterwards: a token without `##` begins a word, and
the number of words in an eojeol is easy to count if it consists of Hangul syllables and ASCII only.

Shapes: E eojeols, N tokens.
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
EOJEOLS_PER_LINE = 256


class EojeolTokens(NamedTuple):
    ids: np.ndarray
    """(N,) int64."""
    offsets: np.ndarray
    """(E + 1,) into the tokens."""
    inside: np.ndarray | None
    """(N,) characters of the eojeol before the token; None unless requested."""


def tokenise_eojeols(eojeols: pa.Array, tokenizer: Any, *, with_inside: bool) -> EojeolTokens:
    """Cuts each eojeol (E,) into tokens, in order; `tokenizer` is a `tokenizers.Tokenizer`."""
    plain = pc.match_substring_regex(eojeols, PLAIN).to_numpy(zero_copy_only=False)
    joined = _tokenise_lines(eojeols.filter(pa.array(plain)), tokenizer, with_inside)
    single = tokenise_singly(eojeols.filter(pa.array(~plain)), tokenizer, with_inside)
    order = np.argsort(np.concatenate([np.flatnonzero(plain), np.flatnonzero(~plain)]))
    counts = np.concatenate([np.diff(joined.offsets), np.diff(single.offsets)])
    indices, offsets = gather(offsets_of(counts), order)
    inside = None
    if joined.inside is not None and single.inside is not None:
        inside = np.concatenate([joined.inside, single.inside])[indices]
    return EojeolTokens(np.concatenate([joined.ids, single.ids])[indices], offsets, inside)


def _tokenise_lines(eojeols: pa.Array, tokenizer: Any, with_inside: bool) -> EojeolTokens:
    texts = eojeols.to_pylist()
    lines = [" ".join(texts[first : first + EOJEOLS_PER_LINE]) for first in range(0, len(texts), EOJEOLS_PER_LINE)]
    encodings = _encode(lines, tokenizer, with_inside)
    ids = concatenated(encoding.ids for encoding in encodings)
    words = pc.count_substring_regex(eojeols, WORD).to_numpy()
    starts = np.flatnonzero(_begins_word(ids, tokenizer))
    if len(starts) != words.sum():  # the tokenizer's words are not those of BERT
        return tokenise_singly(eojeols, tokenizer, with_inside)
    offsets = np.append(starts[offsets_of(words)[:-1]], len(ids))
    if not with_inside:
        return EojeolTokens(ids, offsets, None)
    before = offsets_of(pc.utf8_length(eojeols).to_numpy() + 1)[:-1]
    before = before - before[np.arange(len(before)) // EOJEOLS_PER_LINE * EOJEOLS_PER_LINE]
    return EojeolTokens(ids, offsets, token_starts(encodings) - np.repeat(before, np.diff(offsets)))


def tokenise_singly(eojeols: pa.Array, tokenizer: Any, with_inside: bool) -> EojeolTokens:
    """The same in a call for each, whatever the tokenizer's words are."""
    encodings = _encode(eojeols.to_pylist(), tokenizer, with_inside)
    offsets = offsets_of(np.fromiter(map(len, encodings), np.int64, len(encodings)))
    ids = concatenated(encoding.ids for encoding in encodings)
    return EojeolTokens(ids, offsets, token_starts(encodings) if with_inside else None)


def _encode(texts: list[str], tokenizer: Any, with_offsets: bool) -> Any:
    encode = tokenizer.encode_batch if with_offsets else tokenizer.encode_batch_fast
    return encode(texts, add_special_tokens=False)


def concatenated(lists: Any) -> np.ndarray:
    """Joins lists of integers into one int64 array."""
    return np.fromiter(chain.from_iterable(lists), np.int64)


def token_starts(encodings: Any) -> np.ndarray:
    """(N,) the number of characters of its text before each token."""
    return concatenated([start for start, _ in encoding.offsets] for encoding in encodings)


def _begins_word(ids: np.ndarray, tokenizer: Any) -> np.ndarray:
    distinct, inverse = np.unique(ids, return_inverse=True)
    begins = [not tokenizer.id_to_token(token).startswith(INNER) for token in distinct.tolist()]
    return np.array(begins, dtype=bool)[inverse]
