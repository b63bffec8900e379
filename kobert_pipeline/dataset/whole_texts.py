"""Cuts texts into the tokens of a byte-level tokenizer. What joins sentences is part of them: the tokens of the sentences of a
document, one after the other, are those of its text.

A space begins a token. So a text is cut before its spaces, and each distinct word of a shard is turned into tokens once.

Shapes: N tokens, S sentences, V vocabulary.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.eojeols import concatenated, token_starts, tokenise_singly
from kobert_pipeline.dataset.paragraphs import SPACE, joiners
from kobert_pipeline.dataset.ragged import gather, offsets_of
from kobert_pipeline.dataset.splits import Text
from kobert_pipeline.dataset.tokenise import SENTENCES_PER_CALL, Tokens
from kobert_pipeline.morphology.byte_level import bytes_of, pieces_of

SPACES = np.array([ord(character) for character in "\t\n\r "], dtype="<u4")


def tokenise_texts(text: Text, tokenizer: Any, *, with_characters: bool = False) -> Tokens:
    """Cuts the sentences of documents, with the space or the line break before each; `tokenizer` is a `tokenizers.Tokenizer`.

    A space belongs to the token after it. An eojeol begins at the token with its first letter.
    """
    before = pa.array(joiners(text.document, text.paragraph_end), pa.string())
    texts = pc.binary_join_element_wise(before, text.sentences.cast(pa.string()), "")
    if with_characters:
        return _with_characters(texts, text, tokenizer)
    tokens, offsets = _by_words(texts, tokenizer) if _pieces(tokenizer).begin_at_spaces else _whole(texts, tokenizer)
    return Tokens(tokens, _eojeol_starts(tokens, offsets, text.document, tokenizer), offsets, None, swallowed=0)


def _with_characters(joined: pa.Array, text: Text, tokenizer: Any) -> Tokens:
    texts = joined.to_pylist()
    ids, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    counts: list[int] = []
    for first in range(0, len(texts), SENTENCES_PER_CALL):
        encodings = tokenizer.encode_batch(texts[first : first + SENTENCES_PER_CALL], add_special_tokens=False)
        ids.append(concatenated(encoding.ids for encoding in encodings))
        counts += map(len, encodings)
        starts.append(token_starts(encodings))
    tokens, offsets = np.concatenate(ids), offsets_of(np.array(counts, dtype=np.int64))
    characters = _letters_before(texts, np.concatenate(starts), offsets)
    return Tokens(tokens, _eojeol_starts(tokens, offsets, text.document, tokenizer), offsets, characters, swallowed=0)


def _whole(texts: pa.Array, tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (N,) and offsets (S + 1,) of texts (S,)."""
    found = tokenise_singly(texts, tokenizer, with_inside=False)
    return found.ids, found.offsets


def _by_words(texts: pa.Array, tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """The same. A text with several spaces in a row is not cut: they may be one token."""
    odd = pc.match_substring(texts, SPACE * 2).to_numpy(zero_copy_only=False)
    parts = [_of_words(texts.filter(pa.array(~odd)), tokenizer), _whole(texts.filter(pa.array(odd)), tokenizer)]
    order = np.argsort(np.concatenate([np.flatnonzero(~odd), np.flatnonzero(odd)]))
    counts = np.concatenate([np.diff(offsets) for _, offsets in parts])
    indices, offsets = gather(offsets_of(counts), order)
    return np.concatenate([ids for ids, _ in parts])[indices], offsets


def _of_words(texts: pa.Array, tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    words = pc.split_pattern(texts, SPACE)
    borders = words.offsets.to_numpy()
    is_first = np.zeros(len(words.values), dtype=bool)
    is_first[borders[:-1]] = True
    spaced = pc.binary_join_element_wise(pc.if_else(pa.array(is_first), "", SPACE), words.values, "")
    encoded = spaced.dictionary_encode()
    ids, offsets_of_words = _whole(encoded.dictionary, tokenizer)
    indices, offsets = gather(offsets_of_words, encoded.indices.to_numpy())
    return ids[indices], offsets[borders]


class _Pieces(NamedTuple):
    """Each (V,) bool: whether a piece begins with space, ends with space, is nothing else."""

    begins: np.ndarray
    ends: np.ndarray
    blank: np.ndarray
    begin_at_spaces: bool
    """Whether a text can be cut before each space that stands alone: no piece reaches over it, and nothing but NFC changes the text."""


@lru_cache(maxsize=1)
def _pieces(tokenizer: Any) -> _Pieces:
    spelled = [bytes_of(piece) for piece in pieces_of(tokenizer)]
    return _Pieces(
        np.array([text[:1].isspace() for text in spelled], dtype=bool),
        np.array([text[-1:].isspace() for text in spelled], dtype=bool),
        np.array([text.isspace() for text in spelled], dtype=bool),
        type(tokenizer.normalizer).__name__ in ("NFC", "NoneType")
        and not any(b" " in text.lstrip(b" ") for text in spelled),
    )


def _eojeol_starts(tokens: np.ndarray, offsets: np.ndarray, document: np.ndarray, tokenizer: Any) -> np.ndarray:
    """(N,) bool. A blank token before an eojeol, such as a line break, does not begin it."""
    edges = _pieces(tokenizer)
    after_space = np.append(True, edges.ends[tokens[:-1]])[: len(tokens)]
    first_of_document = np.append(True, document[1:] != document[:-1])[: len(document)]
    begins = offsets[:-1][first_of_document]
    after_space[begins[begins < len(tokens)]] = True
    starts: np.ndarray = ~edges.blank[tokens] & (edges.begins[tokens] | after_space)
    return starts


def _letters_before(texts: list[str], starts: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(N,) characters of the shard before each token, spaces not counted. `starts` (N,) counts from its sentence."""
    letters = ~np.isin(np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4"), SPACES)
    before = offsets_of(np.array([len(text) for text in texts], dtype=np.int64))[:-1]
    counted: np.ndarray = offsets_of(letters)[starts + np.repeat(before, np.diff(offsets))]
    return counted
