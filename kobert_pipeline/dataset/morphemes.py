"""Which pieces begin a morpheme, and the part of speech of each: one MeCab parse of the text, then array arithmetic.

A piece belongs to the morpheme of its first character. Shapes: N pieces, M morphemes.
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
"""Tags of mecab-ko-dic; the store holds their numbers. Of a contraction (`VV+EP`) the first counts: the hundreds of
combinations would not fit a byte."""

_CODES = {tag: code for code, tag in enumerate(PARTS_OF_SPEECH)}


class Annotations(NamedTuple):
    morpheme_start: np.ndarray
    """(N,) bool."""
    part_of_speech: np.ndarray
    """(N,) uint8, numbers into PARTS_OF_SPEECH."""
    swallowed: int
    """Morphemes in which no piece begins: their first character stands inside a piece."""


class Morphemes(NamedTuple):
    start: np.ndarray
    """(M,) characters of the shard before the morpheme, spaces not counted."""
    part_of_speech: np.ndarray
    """(M,) uint8."""


def parse(eojeols: pa.ListArray) -> Morphemes:
    """The morphemes of sentences given as lists of eojeols. Raises InputError for text that MeCab does not give back whole."""
    lines = pc.binary_join(eojeols, " ").to_pylist()
    entries = pc.split_pattern(pa.array([tagged(line) for line in lines], pa.string()), pattern=TAG_END)
    encoded = entries.values.dictionary_encode()
    unique, numbers = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    parts = [entry.partition(TAG_START) for entry in unique]
    sizes = np.array([len(surface.replace(" ", "")) for surface, _, _ in parts], dtype=np.int64)[numbers]
    codes = np.array([_CODES.get(tag.partition("+")[0], 0) for _, _, tag in parts], dtype=np.uint8)[numbers]
    _require_whole(lines, offsets_of(sizes)[entries.offsets.to_numpy()])
    real = sizes > 0
    return Morphemes(offsets_of(sizes)[:-1][real], codes[real])


def _require_whole(lines: list[str], offsets: np.ndarray) -> None:
    wanted = np.fromiter((len(line) - line.count(" ") for line in lines), np.int64, len(lines))
    for number in np.flatnonzero(wanted != np.diff(offsets))[:1].tolist():
        raise InputError(
            f"MeCab does not give this sentence back as it was: {lines[number]!r}. It holds control characters, which the "
            "corpora stage removes: run that stage again."
        )


def annotate(characters: np.ndarray, morphemes: Morphemes) -> Annotations:
    """For pieces that begin at `characters` (N,): those that come first in a morpheme, and each one's part of speech."""
    owner = np.searchsorted(morphemes.start, characters, side="right") - 1
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    return Annotations(first, morphemes.part_of_speech[owner], len(morphemes.start) - int(first.sum()))
