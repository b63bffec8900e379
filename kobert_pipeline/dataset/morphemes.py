"""Finds which tokens begin a morpheme, and the part of speech of each: one MeCab parse of the text, then array
arithmetic.

A token belongs to the morpheme of its first character. Shapes: N tokens, M morphemes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kobert_pipeline.dataset.ragged import offsets_of
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.mecab import TAG_END, TAG_START, tagged

PARTS_OF_SPEECH = (
    "UNKNOWN", "NNG", "NNP", "NNB", "NNBC", "NR", "NP", "VV", "VA", "VX", "VCP", "VCN", "MM", "MAG", "MAJ", "IC",
    "JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC", "EP", "EF", "EC", "ETN", "ETM", "XPN", "XSN", "XSV",
    "XSA", "XR", "SF", "SE", "SSO", "SSC", "SC", "SY", "SL", "SH", "SN",
)  # fmt: skip
"""Tags of mecab-ko-dic; the store holds their numbers. A contraction (`VV+EP`) has its first tag: the hundreds of
combinations would not fit in a byte."""

_CODES = {tag: code for code, tag in enumerate(PARTS_OF_SPEECH)}


class Annotations(NamedTuple):
    morpheme_start: np.ndarray
    """(N,) bool."""
    part_of_speech: np.ndarray
    """(N,) uint8, numbers into PARTS_OF_SPEECH."""
    swallowed: int
    """Morphemes in which no token begins: their first character is inside a token."""


class Morphemes(NamedTuple):
    start: np.ndarray
    """(M,) characters of the shard before the morpheme, spaces not counted."""
    part_of_speech: np.ndarray
    """(M,) uint8."""


def parse(eojeols: pa.ListArray) -> Morphemes:
    """Finds the morphemes of sentences given as lists of eojeols. Raises InputError for text that MeCab does not return
    whole."""
    lines = pc.binary_join(eojeols, " ").to_pylist()
    entries = pc.split_pattern(pa.array([tagged(line) for line in lines], pa.string()), pattern=TAG_END)
    encoded = entries.values.dictionary_encode()
    distinct, numbers = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    parts = [entry.partition(TAG_START) for entry in distinct]
    sizes = np.array([len(surface.replace(" ", "")) for surface, _, _ in parts], dtype=np.int64)[numbers]
    codes = np.array([_CODES.get(tag.partition("+")[0], 0) for _, _, tag in parts], dtype=np.uint8)[numbers]
    _require_whole(lines, offsets_of(sizes)[entries.offsets.to_numpy()])
    real = sizes > 0
    return Morphemes(offsets_of(sizes)[:-1][real], codes[real])


def _require_whole(lines: list[str], offsets: np.ndarray) -> None:
    expected = np.fromiter((len(line) - line.count(" ") for line in lines), np.int64, len(lines))
    for number in np.flatnonzero(expected != np.diff(offsets))[:1].tolist():
        raise InputError(
            "MeCab does not return this sentence as it was: {text!r}. It holds control characters, which the corpora stage removes. Run that stage again.",
            text=lines[number],
        )


def annotate(characters: np.ndarray, morphemes: Morphemes) -> Annotations:
    """Annotates tokens that begin at `characters` (N,): which come first in a morpheme, and the part of speech of
    each."""
    owner = np.searchsorted(morphemes.start, characters, side="right") - 1
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    return Annotations(first, morphemes.part_of_speech[owner], len(morphemes.start) - int(first.sum()))
