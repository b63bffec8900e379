"""Duplicates: equal texts by digest, near-duplicates by MinHash (Broder 1997) and locality-sensitive hashing.

Of equal or near texts the first stays. Nothing here holds text: a digest has 8 bytes, a signature 512. Signatures may
lie on disk (a memory map); one band of keys is in memory at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpora.shingles import Hashes, shingles

SHINGLE = 5
"""Syllables of a shingle: about two eojeols without their spaces."""
BANDS, ROWS = 16, 8
"""Two texts meet if one of `BANDS` bands of `ROWS` minima agrees: 95 % of pairs of similarity .8, 6 % of those of .5."""
PERMUTATIONS = BANDS * ROWS
_SEED = 1

Signatures = npt.NDArray[np.uint32]


def digests(bare: Sequence[str]) -> Hashes:
    """A 64-bit digest of every text. Of `letters`, so that spaces, marks and case make no difference."""
    raw = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in bare)
    return np.frombuffer(raw, np.uint64)


def first_occurrences(parts: Sequence[Path], most: int = 100_000_000) -> npt.NDArray[np.bool_]:
    """For the digests in several `.npy` files, one after another: True where a value occurs for the first time.

    Memory: one byte a digest, and at most about `most` digests at a time.
    """
    sizes = [len(np.load(part, mmap_mode="r")) for part in parts]
    rounds = np.uint64(sum(sizes) // most + 1)
    first = np.zeros(sum(sizes), np.bool_)
    for turn in range(int(rounds)):
        chosen, values, begin = [], [], 0
        for part, size in zip(parts, sizes, strict=True):
            digest = np.load(part)
            own = np.flatnonzero(digest % rounds == np.uint64(turn))
            chosen.append(own + begin)
            values.append(digest[own])
            begin += size
        if chosen:
            first[np.concatenate(chosen)[np.unique(np.concatenate(values), return_index=True)[1]]] = True
    return first


def signatures(bare: Sequence[str]) -> Signatures:
    """MinHash signatures of the `letters` of texts: (texts, PERMUTATIONS). The share of places in which two are equal
    estimates the Jaccard similarity of their shingles."""
    import rensa

    if not bare:
        return np.zeros((0, PERMUTATIONS), np.uint32)
    hashes, offsets = shingles(bare, SHINGLE)
    rows = rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets.astype(np.uint64), PERMUTATIONS, _SEED)
    return np.array(rows.to_rows(), np.uint32)


def clusters(values: Signatures, candidates: npt.NDArray[np.bool_], threshold: float) -> npt.NDArray[np.int64]:
    """For every text the number of the first text of its cluster: its own where it has no near-duplicate before it.

    Only `candidates` are compared. A link joins texts of estimated similarity `threshold` or more; a cluster is what
    links connect, so its ends may be less alike than that.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    numbers = np.flatnonzero(candidates)
    links = [_links(values, numbers, band, threshold) for band in range(BANDS)]
    left, right = (np.concatenate(ends) for ends in zip(*links, strict=True))
    count = len(candidates)
    graph = coo_matrix((np.ones(len(left), np.bool_), (left, right)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    first = np.unique(labels, return_index=True)[1]
    return np.asarray(first[labels], np.int64)


def _links(
    values: Signatures, numbers: npt.NDArray[np.int64], band: int, threshold: float, chunk: int = 65_536
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs (first of a bucket, another of it) of one band that are alike enough."""
    keys = np.concatenate(
        [_keys(values, numbers[at : at + chunk], band) for at in range(0, len(numbers), chunk)]
        or [np.zeros(0, np.uint64)]
    )
    order = np.argsort(keys, kind="stable")
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = keys[order][1:] != keys[order][:-1]
    begins = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    first, other = numbers[order[begins[~fresh]]], numbers[order[~fresh]]
    alike = [
        (values[first[at : at + chunk]] == values[other[at : at + chunk]]).mean(1) >= threshold
        for at in range(0, len(first), chunk)
    ]
    chosen = np.concatenate(alike) if alike else np.zeros(0, np.bool_)
    return first[chosen], other[chosen]


def _keys(values: Signatures, numbers: npt.NDArray[np.int64], band: int) -> Hashes:
    rows = np.ascontiguousarray(values[numbers, band * ROWS : (band + 1) * ROWS]).astype(np.uint64)
    key = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        key = key * np.uint64(0x100000001B3) + column  # 64-bit FNV's prime; a collision is caught by the comparison
    return key
