"""The corpus stage: the only I/O of this package. In order: decode, clean, mask, filter, exact duplicates,
near-duplicates, split, decontaminate, duplicate sentences.

Documents are worked on shard by shard, in parallel; what is decided over all of them (duplicates) is a phase of its own
between. A finished shard's marker is written last, so a stage that was killed goes on where it stopped, and its bytes do
not depend on how it ran.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpora import deduplicate
from corpora.cleaning import clean, clean_label
from corpora.config import CorporaConfig
from corpora.decontaminate import evaluation_ngrams, overlap
from corpora.documents import Document, Drop
from corpora.filters import keep, strip_boilerplate
from corpora.inputs import InputFile, input_files, read
from corpora.personal_data import mask
from corpora.sentences import split_sentences
from corpora.shingles import Hashes, letters
from corpora.sources import SOURCES
from corpora.tally import Counts, Tally, explain
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import atomic_path, read_json, write_json, write_text
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress

logger = logging.getLogger(__name__)

WORK = "work"
"""Holds what only later phases need; gone when the stage is complete."""
SHARDS = "shards"
DROPPED = "dropped.jsonl"
"""Some dropped documents of each source and reason (see `corpora.tally`), for a reader to judge the filters by."""
NEAR_DUPLICATES = "near_duplicates.jsonl"

CLEANED = (".parquet", ".digests.npy", ".signatures.npy", ".json")
SPLIT = (".split", ".contaminated.npy", ".short.npy", ".sentences.npy")
"""What a finished shard of the first and of the third phase consists of."""

DOCUMENTS = pa.schema([(name, pa.string()) for name in ("doc_id", "source", "title", "text")])
SENTENCES = pa.schema(
    [("doc_id", pa.string()), ("source", pa.string()), ("title", pa.string()), ("sentences", pa.list_(pa.string()))]
)


def build(
    config: CorporaConfig, out: Workspace, *, execution: ExecutionConfig, evaluation: Sequence[Path] = ()
) -> dict[str, Any]:
    """Fills `out` with `shards/*.parquet` (doc_id, source, title, sentences). Returns the manifest's summary.

    `evaluation` are the files to decontaminate against. Raises InputError when no document is left; the message says why
    the documents were dropped.
    """
    started = time.monotonic()
    (out.path / WORK).mkdir(exist_ok=True)
    tally = _clean_phase(config, input_files(config), out.path, execution)
    kept, clusters = _duplicate_phase(config, out.path, tally)
    if not any(part.any() for part in kept):
        raise InputError(f"The corpus is empty: {explain(tally.totals())}. Check the sources and `corpora.filters`.")
    ngrams = evaluation_ngrams(evaluation)
    _sentence_phase(config, out, kept, ngrams, tally, execution)
    write_text(out.path / DROPPED, "".join(canonical_json(row) + "\n" for row in tally.samples))
    out.remove(WORK)
    contamination = {"files": [file.name for file in evaluation], "ngrams": len(ngrams)}
    summary = tally.summary(config) | {"near_duplicates": clusters, "decontamination": contamination}
    logger.info("corpora: kept %s in %.1f min", explain(summary["totals"]), (time.monotonic() - started) / 60)
    return summary


# --- phase 1: decode, clean, mask, filter ----------------------------------------------------------------------------


@dataclass(frozen=True)
class RawShard:
    number: int
    items: list[Document | Drop]
    sources: list[str]
    """Source of each item: a Drop does not know its own."""
    formats: list[str]
    """Format of each item: `SOURCES[format].render` turns its markup into prose."""
    encodings: Counts
    """source -> encoding -> files that ended in this shard."""


def raw_shards(config: CorporaConfig, files: Sequence[InputFile]) -> Iterator[RawShard]:
    """The raw documents in reading order, cut where the text reaches `shard_bytes`. Raises InputError as `read` does."""
    shard, size = RawShard(0, [], [], [], {}), 0
    seen: set[object] = set()
    for file in files:
        source = file.source.name
        encodings: Counter[str] = Counter()
        for item, name in _read(file, encodings, seen):
            if size >= config.shard_bytes:
                yield shard
                shard, size = RawShard(shard.number + 1, [], [], [], {}), 0
            shard.items.append(item)
            shard.sources.append(source)
            shard.formats.append(name)
            size += len(item.text.encode(errors="replace")) if isinstance(item, Document) else 0
        if encodings:
            shard.encodings[source] = dict(Counter(shard.encodings.get(source, {})) + encodings)
    if shard.items:
        yield shard


def _read(file: InputFile, encodings: Counter[str], seen: set[object]) -> Iterator[tuple[Document | Drop, str]]:
    """A file that was read before, under this name or another, is one Drop."""
    if file.identity in seen:
        yield Drop("same_file", file.place), file.format
        return
    seen.add(file.identity)
    yield from read(file, encodings)


def _clean_phase(config: CorporaConfig, files: Sequence[InputFile], folder: Path, execution: ExecutionConfig) -> Tally:
    tally = Tally({source.name: Counter({"documents": 0, "kept": 0, "raw_bytes": 0}) for source in config.sources})
    work = partial(_clean_shard, config=config, folder=folder / WORK)
    with progress("corpora: clean", None, "documents") as advance:
        for part in map_shards(work, raw_shards(config, files), execution):
            tally.add(part)
            advance(sum(values["documents"] for values in part["counts"].values()))
    return tally


def _clean_shard(shard: RawShard, *, config: CorporaConfig, folder: Path) -> dict[str, Any]:
    """Cleans one shard into `NNNNN.parquet`, digests and signatures; its tally, written last, marks it done."""
    marker = folder / f"{shard.number:05d}.json"
    if all(marker.with_suffix(ending).exists() for ending in CLEANED):
        done: dict[str, Any] = read_json(marker)
        return done
    tally = Tally(encodings={source: Counter(values) for source, values in shard.encodings.items()})
    rows = list(_kept_documents(shard, config, tally))
    _write_rows(marker.with_suffix(".parquet"), rows, DOCUMENTS)
    bare = letters([row["text"] for row in rows])
    near = config.deduplicate.near_documents is not None
    _save(marker.with_suffix(".digests.npy"), deduplicate.digests(bare))
    _save(marker.with_suffix(".signatures.npy"), deduplicate.signatures(bare if near else []))
    write_json(marker, tally.content())
    return tally.content()


def _kept_documents(shard: RawShard, config: CorporaConfig, tally: Tally) -> Iterator[dict[str, str]]:
    for item, source, name in zip(shard.items, shard.sources, shard.formats, strict=True):
        counts = tally.counts.setdefault(source, Counter({"documents": 0, "kept": 0, "raw_bytes": 0}))
        counts["documents"] += 1
        if isinstance(item, Drop):
            counts[item.reason] += 1
            tally.sample(source, item)
            continue
        counts["raw_bytes"] += len(item.text.encode(errors="replace"))
        document, masked = _cleaned(item, name, config)
        drop = keep(document, config.filters)
        if drop is not None:
            counts[drop.reason] += 1
            tally.sample(source, drop, document)
            continue
        counts["kept"] += 1
        tally.personal_data.setdefault(source, Counter()).update(masked)
        yield {"doc_id": document.doc_id, "source": source, "title": document.title, "text": document.text}


def _cleaned(document: Document, format_name: str, config: CorporaConfig) -> tuple[Document, Counter[str]]:
    """The document as prose without personal data, and how many places of each kind were masked."""
    render = SOURCES[format_name].render
    text = clean(render(document.text) if render else document.text, config.cleaning)
    title = clean(document.title, config.cleaning)
    masked: Counter[str] = Counter()
    if config.mask_personal_data:
        text, masked = mask(text)
        title = mask(title)[0]
    text = strip_boilerplate(text)
    return Document(clean_label(document.doc_id), document.source, text, title), masked


# --- phase 2: duplicate documents ------------------------------------------------------------------------------------

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def _duplicate_phase(config: CorporaConfig, folder: Path, tally: Tally) -> tuple[list[Flags], dict[str, int]]:
    """For each shard, which documents stay, and figures of the near-duplicates. The first of equal documents stays."""
    shards = sorted((folder / WORK).glob("?????.parquet"))
    sizes = [pq.read_metadata(shard).num_rows for shard in shards]
    kept = np.ones(sum(sizes), np.bool_)
    if config.deduplicate.documents:
        kept = deduplicate.first_occurrences([shard.with_suffix(".digests.npy") for shard in shards])
    reasons = np.where(kept, "", "duplicate").astype(object)
    first = np.arange(len(kept))
    if config.deduplicate.near_documents is not None and len(kept):
        values = _joined(shards, sizes, folder / WORK / "signatures.npy")
        first = deduplicate.clusters(values, kept, config.deduplicate.near_documents)
        reasons[first != np.arange(len(kept))] = "near_duplicate"
    _tell_duplicates(shards, sizes, reasons, first, folder, tally)
    return np.split(reasons == "", np.cumsum(sizes)[:-1]), _cluster_figures(first)


def _joined(shards: Sequence[Path], sizes: Sequence[int], target: Path) -> deduplicate.Signatures:
    """The signatures of all shards as one array that lies on disk."""
    joined = np.lib.format.open_memmap(target, "w+", np.uint32, (sum(sizes), deduplicate.PERMUTATIONS))
    begin = 0
    for shard, size in zip(shards, sizes, strict=True):
        joined[begin : begin + size] = np.load(shard.with_suffix(".signatures.npy"))
        begin += size
    return joined


def _cluster_figures(first: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, int]:
    """Clusters of two or more, the documents that left for one, and the largest cluster, the document that stays included."""
    followers = np.bincount(first[first != np.arange(len(first))], minlength=1)
    return {
        "clusters": int((followers > 0).sum()),
        "documents": int(followers.sum()),
        "largest": int(followers.max() + 1) if followers.any() else 0,
    }


def _tell_duplicates(
    shards: Sequence[Path],
    sizes: Sequence[int],
    reasons: np.ndarray[Any, Any],
    first: np.ndarray[Any, Any],
    folder: Path,
    tally: Tally,
) -> None:
    """Moves dropped documents from "kept" to their reason, and writes which document each near-duplicate repeats."""
    names = _doc_ids(shards, sizes, np.unique(first[reasons == "near_duplicate"]))
    with atomic_path(folder / NEAR_DUPLICATES) as path, path.open("w", encoding="utf-8") as stream:
        begin = 0
        for shard, size in zip(shards, sizes, strict=True):
            gone = np.flatnonzero(reasons[begin : begin + size] != "")
            for number, row in zip(gone, pq.read_table(shard).take(gone).to_pylist(), strict=True):
                reason = reasons[begin + number]
                tally.counts[row["source"]].update({"kept": -1, reason: 1})
                tally.sample(row["source"], Drop(reason), Document(row["doc_id"], row["source"], row["text"]))
                if reason == "near_duplicate":
                    line = {"doc_id": row["doc_id"], "source": row["source"], "repeats": names[first[begin + number]]}
                    stream.write(canonical_json(line) + "\n")
            begin += size


def _doc_ids(shards: Sequence[Path], sizes: Sequence[int], numbers: np.ndarray[Any, Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    begin = 0
    for shard, size in zip(shards, sizes, strict=True):
        own = numbers[(numbers >= begin) & (numbers < begin + size)]
        if len(own):
            ids = pq.read_table(shard, columns=["doc_id"])["doc_id"].take(own - begin).to_pylist()
            found |= dict(zip(own.tolist(), ids, strict=True))
        begin += size
    return found


# --- phase 3: sentences ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanShard:
    number: int
    kept: Flags


@dataclass(frozen=True)
class SplitShard:
    number: int
    kept: Flags
    """Which of its sentences occur for the first time."""


def _sentence_phase(
    config: CorporaConfig,
    out: Workspace,
    kept: Sequence[Flags],
    ngrams: Hashes,
    tally: Tally,
    execution: ExecutionConfig,
) -> None:
    """Splits every shard, drops sentences, and writes `shards/NNNNN.parquet`."""
    work = out.path / WORK
    _save(work / "ngrams.npy", ngrams)
    splits = [CleanShard(number, flags) for number, flags in enumerate(kept)]
    split = partial(_split_shard, folder=work, config=config)
    sizes = []
    with progress("corpora: split into sentences", float(sum(map(np.sum, kept))), "documents") as advance:
        for shard, size in zip(splits, map_shards(split, splits, execution), strict=True):
            sizes.append(size)
            advance(float(shard.kept.sum()))
    flags = np.split(_first_sentences(config, work, sizes), np.cumsum(sizes)[:-1])
    finals = [SplitShard(number, flags_of) for number, flags_of in enumerate(flags)]
    (out.path / SHARDS).mkdir(exist_ok=True)
    for shard_number, part in enumerate(map_shards(partial(_final_shard, folder=out.path), finals, execution)):
        tally.add(part)
        out.records[f"{SHARDS}/{shard_number:05d}.parquet"] = part["documents"]


def _split_shard(shard: CleanShard, *, folder: Path, config: CorporaConfig) -> int:
    """Splits one shard into `NNNNN.split`. Returns its number of sentences; the file of their digests, written last, marks it done."""
    source = folder / f"{shard.number:05d}.parquet"
    marker = source.with_suffix(".sentences.npy")
    if not all(source.with_suffix(ending).exists() for ending in SPLIT):
        rows = pq.read_table(source).filter(pa.array(shard.kept, pa.bool_())).to_pylist()
        for row in rows:
            row["sentences"] = split_sentences(row.pop("text"), config.splitter)
        sentences = [sentence for row in rows for sentence in row["sentences"]]
        bare = letters(sentences)
        shares = overlap(bare, np.load(folder / "ngrams.npy", mmap_mode="r"))
        _save(source.with_suffix(".contaminated.npy"), shares >= config.decontaminate.min_overlap)
        _save(
            source.with_suffix(".short.npy"),
            np.array([len(text) for text in bare], np.int64) < (config.deduplicate.sentences or 0),
        )
        _write_rows(source.with_suffix(".split"), rows, SENTENCES)
        _save(marker, deduplicate.digests(bare))
    return len(np.load(marker, mmap_mode="r"))


def _first_sentences(config: CorporaConfig, work: Path, sizes: Sequence[int]) -> Flags:
    if config.deduplicate.sentences is None:
        return np.ones(sum(sizes), np.bool_)
    return deduplicate.first_occurrences([work / f"{number:05d}.sentences.npy" for number in range(len(sizes))])


def _final_shard(shard: SplitShard, *, folder: Path) -> dict[str, Any]:
    """Writes one shard without the sentences that go, and a document that loses all of them. Returns what `Tally.add` takes."""
    name = f"{shard.number:05d}"
    work = folder / WORK / name
    contaminated, short = (np.load(work.with_suffix(f".{kind}.npy")) for kind in ("contaminated", "short"))
    reasons = np.where(contaminated, "contaminated", np.where(shard.kept | short, "", "duplicate"))
    tally, rows, begin = Tally(), [], 0
    for row in pq.read_table(work.with_suffix(".split")).to_pylist():
        own = reasons[begin : begin + len(row["sentences"])]
        begin += len(own)
        row["sentences"] = [sentence for sentence, reason in zip(row["sentences"], own, strict=True) if not reason]
        tally.sentences.setdefault(row["source"], Counter()).update(reason for reason in own.tolist() if reason)
        counts = tally.counts.setdefault(row["source"], Counter())
        if not row["sentences"]:
            counts.update({"kept": -1, "no_sentence": 1})
            continue
        counts["sentences"] += len(row["sentences"])
        counts["bytes"] += sum(len(sentence.encode()) for sentence in row["sentences"])
        rows.append(row)
    _write_rows(folder / SHARDS / f"{name}.parquet", rows, SENTENCES)
    return tally.content() | {"documents": len(rows)}


# --- files and figures -----------------------------------------------------------------------------------------------


def _write_rows(target: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    with atomic_path(target) as path:
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")


def _save(target: Path, values: np.ndarray[Any, Any]) -> None:
    with atomic_path(target) as path, path.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)
