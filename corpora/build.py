"""The corpus stage: decode, clean, filter, drop duplicates, split into sentences. The only I/O of this package.

Three phases, each resumable by shard: `clean/` holds cleaned documents, which duplicates to drop is decided over all
of them, `shards/` is the result.
"""

from __future__ import annotations

import logging
import lzma
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from corpora.cleaning import clean
from corpora.config import CorporaConfig
from corpora.deduplicate import digest, first_occurrences
from corpora.filters import keep
from corpora.inputs import InputFile, input_files
from corpora.sentences import split_sentences
from corpora.sources import SOURCES
from kobert_pipeline.artifacts import Workspace, atomic_path, read_json, write_json
from kobert_pipeline.errors import InputError
from kobert_pipeline.execution import map_shards, progress
from kobert_pipeline.records import Document, Drop

logger = logging.getLogger(__name__)

CLEAN = "clean"
SHARDS = "shards"
DOCUMENTS = pa.schema(
    [
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("title", pa.string()),
        ("text", pa.string()),
        ("digest", pa.binary(16)),
    ]
)
SENTENCES = pa.schema(
    [("doc_id", pa.string()), ("source", pa.string()), ("title", pa.string()), ("sentences", pa.list_(pa.string()))]
)

UNREADABLE = (OSError, EOFError, pa.ArrowInvalid, zlib.error, lzma.LZMAError, zstandard.ZstdError)
"""What the readers raise for a file that is missing, cut off, damaged or in another format."""

Counts = dict[str, dict[str, int]]
"""source -> {"documents": read, "kept": …, reason: …}."""


def build(config: CorporaConfig, out: Workspace, *, workers: int) -> dict[str, Any]:
    """Fills `out` with `shards/*.parquet` (doc_id, source, title, sentences). Returns the manifest's summary.

    Raises InputError when no document is left; the message says why the documents were dropped.
    """
    started = time.monotonic()
    files = input_files(config)
    counts = _clean_phase(config, files, out.path, workers)
    kept = _duplicate_phase(config, out.path, counts)
    if not any(any(flags) for flags in kept):
        raise InputError(f"The corpus is empty: {_explain(_totals(counts))}. Check the sources and `corpora.filters`.")
    sentences = _sentence_phase(out, kept, counts, workers)
    out.remove(CLEAN)
    summary = _summary(config, counts, sentences)
    logger.info("corpora: kept %s in %.1f min", _explain(summary["totals"]), (time.monotonic() - started) / 60)
    return summary


# --- phase 1: clean and filter ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RawShard:
    number: int
    items: list[Document | Drop]
    sources: list[str]
    """Source of each item: a Drop does not know its own."""


def raw_shards(config: CorporaConfig, files: Sequence[InputFile]) -> Iterator[RawShard]:
    """The raw documents in reading order, cut where the text reaches `shard_bytes`."""
    number, size = 0, 0
    items: list[Document | Drop] = []
    sources: list[str] = []
    for file in files:
        for item in _read(file):
            items.append(item)
            sources.append(file.source.name)
            size += len(item.text.encode(errors="replace")) if isinstance(item, Document) else 0
            if size >= config.shard_bytes:
                yield RawShard(number, items, sources)
                number, size, items, sources = number + 1, 0, [], []
    if items:
        yield RawShard(number, items, sources)


def _read(file: InputFile) -> Iterator[Document | Drop]:
    try:
        yield from SOURCES[file.format].read(file.address, file.source)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file.address}: not UTF-8 ({error.reason} at byte {error.start} of a block). Convert it, e.g. iconv -f cp949 -t utf-8."
        ) from None
    except UNREADABLE as error:
        raise InputError(f"{file.address}: cannot be read as {file.format}: {error}") from None


def _clean_phase(config: CorporaConfig, files: Sequence[InputFile], folder: Path, workers: int) -> Counts:
    counts: Counts = {source.name: {"documents": 0, "kept": 0, "raw_bytes": 0} for source in config.sources}
    (folder / CLEAN).mkdir(exist_ok=True)
    work = partial(_clean_shard, config=config, folder=folder)
    with progress("corpora: clean", None, "documents") as advance:
        for shard_counts in map_shards(work, raw_shards(config, files), workers=workers):
            for source, values in shard_counts.items():
                for name, value in values.items():
                    counts[source][name] = counts[source].get(name, 0) + value
            advance(sum(values["documents"] for values in shard_counts.values()))
    return counts


def _clean_shard(shard: RawShard, *, config: CorporaConfig, folder: Path) -> Counts:
    """Cleans and filters one shard into `clean/NNNNN.parquet`; its counts, written last, mark it done."""
    target = folder / CLEAN / f"{shard.number:05d}.parquet"
    marker = target.with_suffix(".json")
    if marker.exists() and target.exists():
        done: Counts = read_json(marker)
        return done
    counts: dict[str, Counter[str]] = {}
    rows: list[dict[str, Any]] = []
    for item, source in zip(shard.items, shard.sources, strict=True):
        counter = counts.setdefault(source, Counter({"documents": 0, "kept": 0, "raw_bytes": 0}))
        counter["documents"] += 1
        if isinstance(item, Document):
            counter["raw_bytes"] += len(item.text.encode(errors="replace"))
            item = _cleaned(item)
            drop = keep(item, config.filters)
        else:
            drop = item
        counter["kept" if drop is None else drop.reason] += 1
        if drop is None and isinstance(item, Document):
            rows.append(
                {
                    "doc_id": item.doc_id,
                    "source": source,
                    "title": item.title,
                    "text": item.text,
                    "digest": digest(item.text),
                }
            )
    with atomic_path(target) as path:
        pq.write_table(pa.Table.from_pylist(rows, DOCUMENTS), path, compression="zstd")
    result = {source: dict(counter) for source, counter in counts.items()}
    write_json(marker, result)
    return result


def _cleaned(document: Document) -> Document:
    return Document(clean(document.doc_id), document.source, clean(document.text), clean(document.title))


# --- phase 2: exact duplicates ---------------------------------------------------------------------------------------


def _duplicate_phase(config: CorporaConfig, folder: Path, counts: Counts) -> list[list[bool]]:
    """For each shard, which documents stay. The first of equal documents stays; the counts learn of the others."""
    shards = [pq.read_table(path, columns=["source", "digest"]) for path in sorted((folder / CLEAN).glob("*.parquet"))]
    if not config.deduplicate:
        return [[True] * shard.num_rows for shard in shards]
    first = iter(first_occurrences(value for shard in shards for value in shard["digest"].to_pylist()))
    kept = []
    for shard in shards:
        flags = [next(first) for _ in range(shard.num_rows)]
        for source, stays in zip(shard["source"].to_pylist(), flags, strict=True):
            if not stays:
                counts[source]["kept"] -= 1
                counts[source]["duplicate"] = counts[source].get("duplicate", 0) + 1
        kept.append(flags)
    return kept


# --- phase 3: sentences ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanShard:
    number: int
    kept: list[bool]


def _sentence_phase(out: Workspace, kept: list[list[bool]], counts: Counts, workers: int) -> dict[str, dict[str, int]]:
    """Splits every shard into `shards/NNNNN.parquet`. Returns source -> sentences, characters and bytes."""
    (out.path / SHARDS).mkdir(exist_ok=True)
    totals: dict[str, Counter[str]] = {source: Counter() for source in counts}
    shards = [CleanShard(number, flags) for number, flags in enumerate(kept)]
    with progress("corpora: split into sentences", sum(map(sum, kept)), "documents") as advance:
        for shard, result in zip(
            shards, map_shards(partial(_split_shard, folder=out.path), shards, workers=workers), strict=True
        ):
            out.records[f"{SHARDS}/{shard.number:05d}.parquet"] = sum(shard.kept)
            for source, values in result.items():
                totals[source].update(values)
            advance(sum(shard.kept))
    return {source: dict(values) for source, values in totals.items()}


def _split_shard(shard: CleanShard, *, folder: Path) -> Counts:
    target = folder / SHARDS / f"{shard.number:05d}.parquet"
    if not target.exists():
        table = pq.read_table(folder / CLEAN / f"{shard.number:05d}.parquet").filter(pa.array(shard.kept, pa.bool_()))
        rows = [
            {
                "doc_id": row["doc_id"],
                "source": row["source"],
                "title": row["title"],
                "sentences": split_sentences(row["text"]),
            }
            for row in table.to_pylist()
        ]
        with atomic_path(target) as path:
            pq.write_table(pa.Table.from_pylist(rows, SENTENCES), path, compression="zstd")
    totals: dict[str, Counter[str]] = {}
    for row in pq.read_table(target, columns=["source", "sentences"]).to_pylist():
        counter = totals.setdefault(row["source"], Counter())
        counter["sentences"] += len(row["sentences"])
        counter["bytes"] += sum(len(sentence.encode()) for sentence in row["sentences"])
    return {source: dict(counter) for source, counter in totals.items()}


# --- what is told ----------------------------------------------------------------------------------------------------

NOT_REASONS = ("documents", "kept", "raw_bytes", "sentences", "bytes")


def _totals(counts: Counts) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for values in counts.values():
        totals.update(values)
    return dict(totals)


def _summary(config: CorporaConfig, counts: Counts, sentences: Counts) -> dict[str, Any]:
    merged = {source: counts[source] | {"sentences": 0, "bytes": 0} | sentences[source] for source in counts}
    sources = {
        source.name: {"license": source.license, "continuity": source.continuity, "counts": merged[source.name]}
        for source in config.sources
    }
    return {"sources": sources, "totals": _totals(merged)}


def _explain(totals: dict[str, int]) -> str:
    """`51,234 of 55,010 documents (too_short 812, duplicate 2,887)`."""
    reasons = ", ".join(
        f"{name} {value:,}" for name, value in sorted(totals.items()) if name not in NOT_REASONS and value
    )
    return f"{totals['kept']:,} of {totals['documents']:,} documents" + (f" ({reasons})" if reasons else "")
