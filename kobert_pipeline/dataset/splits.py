"""The sentences of a corpus shard, divided into training and validation by document. D documents, S sentences."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.annotations import PARAGRAPH_END
from kobert_pipeline.dataset.store import TRAIN, VALIDATION


class Text(NamedTuple):
    sentences: pa.Array
    """(S,) strings."""
    document: np.ndarray
    """(S,) number of the document within the shard."""
    source: np.ndarray
    """(S,) number of the source in the manifest's list."""
    paragraph_end: np.ndarray
    """(S,) bool."""


def in_validation(doc_id: str, source: str, share: float) -> bool:
    """Whether a document belongs to the validation split. Only its id decides, so that adding text moves no
    document."""
    value = int.from_bytes(hashlib.blake2b(f"{source}\n{doc_id}".encode(), digest_size=8).digest(), "big")
    return value < share * 2**64


def by_split(table: pa.Table, validation_share: float, sources: Sequence[str]) -> dict[str, Text]:
    """Divides the documents of a corpus shard; a split may be empty."""
    names, ids = table["source"].to_pylist(), table["doc_id"].to_pylist()
    lists = table["sentences"].combine_chunks()
    document = np.repeat(np.arange(len(ids)), pc.list_value_length(lists).to_numpy())
    validation = np.array([in_validation(*key, validation_share) for key in zip(ids, names, strict=True)], dtype=bool)
    source = np.array([sources.index(name) for name in names], dtype=np.int64)[document]
    whole = Text(pc.list_flatten(lists), document, source, _paragraph_ends(table, len(document)))
    return {TRAIN: _part(whole, ~validation[document]), VALIDATION: _part(whole, validation[document])}


def _paragraph_ends(table: pa.Table, sentences: int) -> np.ndarray:
    """A corpus without this column has one paragraph per document: the store marks the end of each document itself."""
    if PARAGRAPH_END not in table.column_names:
        return np.zeros(sentences, dtype=bool)
    ends: np.ndarray = pc.list_flatten(table[PARAGRAPH_END].combine_chunks()).to_numpy(zero_copy_only=False)
    return ends


def _part(text: Text, chosen: np.ndarray) -> Text:
    sentences, *arrays = text
    return Text(sentences.filter(pa.array(chosen)), *(array[chosen] for array in arrays))
