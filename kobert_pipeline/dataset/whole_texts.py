"""Cuts texts into the tokens of a byte-level tokenizer. What joins sentences is part of them: the tokens of the sentences of a
document, one after the other, are those of its text.

Shapes: N tokens, S sentences, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.eojeols import concatenated, token_starts
from kobert_pipeline.dataset.paragraphs import joiners
from kobert_pipeline.dataset.ragged import offsets_of
from kobert_pipeline.dataset.splits import Text
from kobert_pipeline.dataset.tokenise import SENTENCES_PER_CALL, Tokens
from kobert_pipeline.morphology.byte_level import bytes_of, pieces_of

SPACES = np.array([ord(character) for character in "\t\n\r "], dtype="<u4")


def tokenise_texts(text: Text, tokenizer: Any, *, with_characters: bool = False) -> Tokens:
    """Cuts the sentences of documents, with the space or the line break before each; `tokenizer` is a `tokenizers.Tokenizer`.

    A space belongs to the token after it. An eojeol begins at the token with its first letter.
    """
    before = pa.array(joiners(text.document, text.paragraph_end), pa.string())
    texts = pc.binary_join_element_wise(before, text.sentences.cast(pa.string()), "").to_pylist()
    encode = tokenizer.encode_batch if with_characters else tokenizer.encode_batch_fast
    ids, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    counts: list[int] = []
    for first in range(0, len(texts), SENTENCES_PER_CALL):
        encodings = encode(texts[first : first + SENTENCES_PER_CALL], add_special_tokens=False)
        ids.append(concatenated(encoding.ids for encoding in encodings))
        counts += map(len, encodings)
        starts += [token_starts(encodings)] if with_characters else []
    offsets = offsets_of(np.array(counts, dtype=np.int64))
    tokens = np.concatenate(ids)
    characters = _letters_before(texts, np.concatenate(starts), offsets) if with_characters else None
    return Tokens(tokens, _eojeol_starts(tokens, offsets, text.document, tokenizer), offsets, characters, swallowed=0)


class _Edges(NamedTuple):
    """Each (V,) bool: whether a piece begins with space, ends with space, is nothing else."""

    begins: np.ndarray
    ends: np.ndarray
    blank: np.ndarray


def _edges(tokenizer: Any) -> _Edges:
    spelled = [bytes_of(piece) for piece in pieces_of(tokenizer)]
    return _Edges(
        np.array([text[:1].isspace() for text in spelled], dtype=bool),
        np.array([text[-1:].isspace() for text in spelled], dtype=bool),
        np.array([text.isspace() for text in spelled], dtype=bool),
    )


def _eojeol_starts(tokens: np.ndarray, offsets: np.ndarray, document: np.ndarray, tokenizer: Any) -> np.ndarray:
    """(N,) bool. A blank token before an eojeol, such as a line break, does not begin it."""
    edges = _edges(tokenizer)
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
