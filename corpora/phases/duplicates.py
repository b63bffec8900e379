"""Second phase: documents that repeat an earlier one. The first of equal or similar documents stays.

Equal texts are found by digest, near-duplicates by MinHash (Broder 1997) and locality-sensitive hashing. Nothing here
holds text: a digest has 8 bytes, a signature 512. Signatures may be on disk (a memory map); one band of keys is in
memory at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from corpora.config import DeduplicationConfig
from corpora.documents import Document, Drop
from corpora.shards import NEAR_DUPLICATES, WORK, Flags
from corpora.shingles import Hashes, shingles
from corpora.tally import Tally
from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.ground.fingerprints import canonical_json

SHINGLE = 5
"""Syllables of a shingle: about two eojeols without their spaces."""
BANDS, ROWS = 16, 8
"""Texts are compared if one of `BANDS` bands of `ROWS` minima agrees: 95 % of pairs of similarity .8, 6 % of .5."""
PERMUTATIONS = BANDS * ROWS
_SEED = 1

Signatures = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]


# --- the phase -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shards:
    """The cleaned shards, with their numbers of documents. Documents are numbered through all of them."""

    paths: list[Path]
    sizes: list[int]

    @property
    def begins(self) -> list[int]:
        """Number of the first document of each shard."""
        return [0, *np.cumsum(self.sizes).tolist()][:-1]


def first_documents(config: DeduplicationConfig, folder: Path, tally: Tally) -> tuple[list[Flags], dict[str, int]]:
    """Decides for each shard which documents stay, and gives figures of the near-duplicates.

    Moves the others from "kept" to their reason in the tally, and writes `near_duplicates.jsonl`.
    """
    paths = sorted((folder / WORK).glob("?????.parquet"))
    shards = _Shards(paths, [pq.read_metadata(path).num_rows for path in paths])
    kept = np.ones(sum(shards.sizes), np.bool_)
    if config.documents:
        kept = first_occurrences([path.with_suffix(".digests.npy") for path in paths])
    reasons = np.where(kept, "", "duplicate").astype(object)
    first = np.arange(len(kept))
    if config.near_documents is not None and len(kept):
        values = _joined(shards, folder / WORK / "signatures.npy")
        first = clusters(values, kept, config.near_documents)
        reasons[first != np.arange(len(kept))] = "near_duplicate"
    _record_duplicates(shards, reasons, first, folder, tally)
    return np.split(reasons == "", np.cumsum(shards.sizes)[:-1]), _cluster_figures(first)


def _joined(shards: _Shards, target: Path) -> Signatures:
    """The signatures of all shards as one array on disk. It is written as a file: where a disk is full, writing to a mapped
    file ends the process without a word."""
    header = {"descr": "<u4", "fortran_order": False, "shape": (sum(shards.sizes), PERMUTATIONS)}
    with target.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for path in shards.paths:
            stream.write(np.load(path.with_suffix(".signatures.npy")).astype("<u4", copy=False).tobytes())
    joined: Signatures = np.load(target, mmap_mode="r")
    return joined


def _cluster_figures(first: Numbers) -> dict[str, int]:
    """Clusters of two or more; documents that repeat another; the largest cluster, with the document that stays."""
    followers = np.bincount(first[first != np.arange(len(first))], minlength=1)
    return {
        "clusters": int((followers > 0).sum()),
        "documents": int(followers.sum()),
        "largest": int(followers.max() + 1) if followers.any() else 0,
    }


def _record_duplicates(shards: _Shards, reasons: npt.NDArray[Any], first: Numbers, folder: Path, tally: Tally) -> None:
    """Moves dropped documents from "kept" to their reason, and writes which document each near-duplicate repeats."""
    names = _doc_ids(shards, np.unique(first[reasons == "near_duplicate"]))
    with atomic_path(folder / NEAR_DUPLICATES) as target, target.open("w", encoding="utf-8") as stream:
        for path, begin, size in zip(shards.paths, shards.begins, shards.sizes, strict=True):
            dropped = np.flatnonzero(reasons[begin : begin + size] != "")
            for number, row in zip(dropped, pq.read_table(path).take(dropped).to_pylist(), strict=True):
                reason = reasons[begin + number]
                tally.counts[row["source"]].update({"kept": -1, reason: 1})
                tally.sample(row["source"], Drop(reason), Document(row["doc_id"], row["source"], row["text"]))
                if reason == "near_duplicate":
                    line = {"doc_id": row["doc_id"], "source": row["source"], "repeats": names[first[begin + number]]}
                    stream.write(canonical_json(line) + "\n")


def _doc_ids(shards: _Shards, numbers: Numbers) -> dict[int, str]:
    names: dict[int, str] = {}
    for path, begin, size in zip(shards.paths, shards.begins, shards.sizes, strict=True):
        inside = numbers[(numbers >= begin) & (numbers < begin + size)]
        if len(inside):
            ids = pq.read_table(path, columns=["doc_id"])["doc_id"].take(inside - begin).to_pylist()
            names |= dict(zip(inside.tolist(), ids, strict=True))
    return names


# --- equal texts -----------------------------------------------------------------------------------------------------


def digests(bare: Sequence[str]) -> Hashes:
    """Gives a 64-bit digest of each text. Texts come from `letters`: spaces, marks and case make no difference."""
    raw = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in bare)
    return np.frombuffer(raw, np.uint64)


def first_occurrences(parts: Sequence[Path], most: int = 100_000_000) -> Flags:
    """For the digests in several `.npy` files, one after another: True where a value occurs for the first time.

    Memory: one byte per digest, and at most about `most` digests at a time.
    """
    sizes = [len(np.load(part, mmap_mode="r")) for part in parts]
    rounds = np.uint64(sum(sizes) // most + 1)
    first = np.zeros(sum(sizes), np.bool_)
    for number in range(int(rounds)):
        chosen, values, begin = [], [], 0
        for part, size in zip(parts, sizes, strict=True):
            digest = np.load(part)
            places = np.flatnonzero(digest % rounds == np.uint64(number))
            chosen.append(places + begin)
            values.append(digest[places])
            begin += size
        if chosen:
            first[np.concatenate(chosen)[np.unique(np.concatenate(values), return_index=True)[1]]] = True
    return first


# --- near-duplicates -------------------------------------------------------------------------------------------------


def signatures(bare: Sequence[str]) -> Signatures:
    """Gives MinHash signatures of the `letters` of texts: (texts, PERMUTATIONS).

    The share of places in which two signatures are equal estimates the Jaccard similarity of their shingles.
    """
    import rensa

    if not bare:
        return np.zeros((0, PERMUTATIONS), np.uint32)
    hashes, offsets = shingles(bare, SHINGLE)
    rows = rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets.astype(np.uint64), PERMUTATIONS, _SEED)
    return np.array(rows.to_rows(), np.uint32)


def clusters(values: Signatures, candidates: Flags, threshold: float) -> Numbers:
    """Gives for every text the number of the first text of its cluster: its own if no near-duplicate comes before it.

    Only `candidates` are compared. A link joins texts of estimated similarity `threshold` or more; a cluster is what
    links connect, so two of its texts may be less similar than that.
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
    values: Signatures, numbers: Numbers, band: int, threshold: float, chunk: int = 65_536
) -> tuple[Numbers, Numbers]:
    """Pairs (first of a bucket, another of it) of one band that are similar enough."""
    keys = np.concatenate(
        [_keys(values, numbers[at : at + chunk], band) for at in range(0, len(numbers), chunk)]
        or [np.zeros(0, np.uint64)]
    )
    order = np.argsort(keys, kind="stable")
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = keys[order][1:] != keys[order][:-1]
    begins = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    first, other = numbers[order[begins[~fresh]]], numbers[order[~fresh]]
    similar = [
        (values[first[at : at + chunk]] == values[other[at : at + chunk]]).mean(1) >= threshold
        for at in range(0, len(first), chunk)
    ]
    chosen = np.concatenate(similar) if similar else np.zeros(0, np.bool_)
    return first[chosen], other[chosen]


def _keys(values: Signatures, numbers: Numbers, band: int) -> Hashes:
    rows = np.ascontiguousarray(values[numbers, band * ROWS : (band + 1) * ROWS]).astype(np.uint64)
    key = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        key = key * np.uint64(0x100000001B3) + column  # 64-bit FNV's prime; a collision is caught by the comparison
    return key
