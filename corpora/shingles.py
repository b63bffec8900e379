"""Hashes of every n neighbouring syllables of a text. Near-duplicates and decontamination compare them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)


def letters(texts: Sequence[str]) -> list[str]:
    """Leaves only letters and digits, in lower case, so that spacing and punctuation make no difference."""
    if not texts:
        return []
    lines = "\n".join(text.replace("\n", " ") for text in texts).lower()
    codes = np.frombuffer(lines.encode("utf-32-le", "surrogatepass"), np.uint32)
    occurring = np.flatnonzero(np.bincount(codes)).tolist()
    kept = np.zeros(max(occurring, default=0) + 1, np.bool_)
    kept[[code for code in occurring if code == 10 or chr(code).isalnum()]] = True
    return codes[kept[codes]].tobytes().decode("utf-32-le").split("\n")


def shingles(bare: Sequence[str], n: int) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Gives a 64-bit hash of every `n` neighbouring characters of each text of `letters`; one hash for a shorter text.

    Returns (hashes, offsets): the hashes of text i are `hashes[offsets[i]:offsets[i + 1]]`, in reading order. There is
    no Python step per character: about 30 MB of UTF-8 per second.
    """
    padded = [text.ljust(n, "\0") for text in bare]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
    if not len(codes):
        return np.zeros(0, np.uint64), np.zeros(1, np.int64)
    windows = len(codes) - n + 1
    rolling = np.zeros(windows, np.uint64)
    for shift in range(n):
        rolling = rolling * _BASE + codes[shift : shift + windows]
    counts = lengths - n + 1
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    # Windows that reach past the end of a text begin in its last n - 1 characters.
    starts = np.arange(offsets[-1]) + np.repeat(np.arange(len(padded)) * (n - 1), counts)
    return _mixed(rolling[starts]), offsets


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele et al. 2014): every bit of the input reaches every bit of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
