"""First phase: every document is read and passes the steps, shard by shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from corpora.config import CorporaConfig
from corpora.documents import Document, Drop, Raw
from corpora.inputs import InputFile, read
from corpora.not_read import NotRead
from corpora.personal_data import mask
from corpora.phases.duplicates import digests, signatures
from corpora.shards import DOCUMENTS, WORK, save, shard_name, write_rows
from corpora.shingles import letters
from corpora.steps.characters import clean_label
from corpora.steps.pipeline import pipeline
from corpora.tally import Counts, Tally
from kobert_pipeline.ground.files import read_cache, write_json
from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress

FILES = (".parquet", ".digests.npy", ".signatures.npy", ".json")
"""Files of a finished shard. The last is written last."""


CHARACTERS, PERSONAL_DATA = "characters", "personal_data"


@dataclass(frozen=True)
class RawShard:
    """Raw documents that are worked on together."""

    number: int
    items: list[Raw]
    encodings: Counts
    """source -> encoding -> files that ended in this shard."""


def clean_documents(
    config: CorporaConfig, files: Sequence[InputFile], folder: Path, execution: ExecutionConfig, not_read: NotRead
) -> Tally:
    """Reads all files and writes the documents that pass the steps, with their digests and signatures, into `WORK`.

    `not_read` has counts of folders; those of archives are added.
    """
    empty = {source.name: Counter({"documents": 0, "kept": 0, "raw_bytes": 0}) for source in config.sources}
    tally = Tally(empty, not_read=not_read)
    work = partial(_clean_shard, config=config, folder=folder / WORK)
    with progress("corpora: clean", None, "documents") as advance:
        for part in map_shards(work, raw_shards(config, files, not_read), execution):
            tally.add(part)
            advance(sum(values["documents"] for values in part["counts"].values()))
    return tally


def raw_shards(
    config: CorporaConfig, files: Sequence[InputFile], not_read: NotRead | None = None
) -> Iterator[RawShard]:
    """Gives raw documents in reading order, cut at `shard_bytes` of text. Raises InputError as `read` does.

    `not_read` counts the members of archives that are not read.
    """
    shard, size = RawShard(0, [], {}), 0
    passed: NotRead = {} if not_read is None else not_read
    seen: set[object] = set()
    for file in files:
        source = file.source.name
        encodings: Counter[str] = Counter()
        for raw in _read(file, encodings, passed.setdefault(source, Counter()), seen):
            if size >= config.shard_bytes:
                yield shard
                shard, size = RawShard(shard.number + 1, [], {}), 0
            shard.items.append(raw)
            size += raw.size()
        if encodings:
            shard.encodings[source] = dict(Counter(shard.encodings.get(source, {})) + encodings)
    if shard.items:
        yield shard


def _read(file: InputFile, encodings: Counter[str], not_read: Counter[str], seen: set[object]) -> Iterator[Raw]:
    """A file that was read before, under this name or another, is one Drop."""
    name = file.source.name
    if file.identity in seen:
        yield Raw(Drop("same_file", file.place), name, file.format)
        return
    seen.add(file.identity)
    for document, format_name in read(file, encodings, not_read):
        yield Raw(document, name, format_name)


def _clean_shard(shard: RawShard, *, config: CorporaConfig, folder: Path) -> dict[str, Any]:
    """Writes `NNNNN.parquet`, digests and signatures; the tally, written last, marks the shard as done."""
    marker = folder / f"{shard_name(shard.number)}.json"
    if all(marker.with_suffix(ending).exists() for ending in FILES) and (done := read_cache(marker)) is not None:
        return done
    tally = Tally(encodings={source: Counter(values) for source, values in shard.encodings.items()})
    rows = list(_kept_documents(shard, config, tally))
    write_rows(marker.with_suffix(".parquet"), rows, DOCUMENTS)
    bare = letters([row["text"] for row in rows])
    near = config.deduplicate.near_documents is not None
    save(marker.with_suffix(".digests.npy"), digests(bare))
    save(marker.with_suffix(".signatures.npy"), signatures(bare if near else []))
    write_json(marker, tally.content())
    return tally.content()


def _kept_documents(shard: RawShard, config: CorporaConfig, tally: Tally) -> Iterator[dict[str, str]]:
    run = pipeline(config)
    for number, raw in enumerate(shard.items):
        counts = tally.counts.setdefault(raw.source, Counter({"documents": 0, "kept": 0, "raw_bytes": 0}))
        counts["documents"] += 1
        if isinstance(raw.document, Drop):
            counts[raw.document.reason] += 1
            tally.sample(raw.source, raw.document)
            continue
        counts["raw_bytes"] += raw.size()
        document, drop = run(_labelled(raw.document, raw.format, f"{shard.number:05d}.{number:06d}", config))
        if drop is not None:
            counts[drop.reason] += 1
            tally.sample(raw.source, drop, document)
            continue
        counts["kept"] += 1
        tally.personal_data.setdefault(raw.source, Counter()).update(dict(document.masked))
        yield {"doc_id": document.doc_id, "source": raw.source, "title": document.title, "text": document.text}


def _labelled(document: Document, format_name: str, position: str, config: CorporaConfig) -> Document:
    """The document with a clean id and the format of its markup.

    Halves of surrogate pairs, which no file can hold, are replaced, unless the step `characters` removes them.
    """
    text, title, doc_id = document.text, document.title, clean_label(document.doc_id)
    if CHARACTERS not in config.active_steps:
        text, title = (value.encode("utf-8", "replace").decode() for value in (text, title))
    if PERSONAL_DATA in config.active_steps:
        doc_id = _public_id(doc_id, position)
    return Document(doc_id, document.source, text, title, format_name)


def _public_id(doc_id: str, position: str) -> str:
    """The id without personal data (files are named after people). Where it was read keeps it unlike others."""
    masked = mask(doc_id)[0]
    return doc_id if masked == doc_id else f"{masked}-{position}"
