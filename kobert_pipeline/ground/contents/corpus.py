"""The corpus: documents of clean sentences, and what became of each source."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kobert_pipeline.ground.artifacts import MANIFEST
from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed

SHARDS = "shards"
DROPPED = "dropped.jsonl"
NEAR_DUPLICATES = "near_duplicates.jsonl"
NOT_REASONS = ("documents", "kept", "raw_bytes", "sentences", "bytes")
"""Counters that are not a reason to drop a document."""


@dataclass(frozen=True)
class Source:
    """What became of one source, or of all. `documents` = `kept` + the sum of `drops`."""

    name: str
    license: str
    """SPDX identifier, or `unknown`; empty for the total."""
    continuity: bool
    """Neighbouring sentences of a document continue each other."""
    documents: int
    """Read."""
    kept: int
    sentences: int
    raw_bytes: int
    """UTF-8, of the text that was read."""
    bytes: int
    """UTF-8, of the sentences that were kept."""
    share: float
    """Of the bytes of all sources, 0 to 1."""
    drops: Mapping[str, int]
    """Reason -> documents."""
    dropped_sentences: Mapping[str, int]
    """Reason -> sentences."""
    personal_data: Mapping[str, int]
    """Kind -> places that were masked."""
    encodings: Mapping[str, int]
    """Encoding -> files."""
    not_read: Mapping[str, int] = field(default_factory=dict)
    """Ending -> files of folders and archives that were not read."""


@dataclass(frozen=True)
class NearDuplicates:
    clusters: int
    documents: int
    """Dropped because another document of their cluster stays."""
    largest: int
    """Documents of the largest cluster, with the one that stays."""


@dataclass(frozen=True)
class Decontamination:
    files: tuple[str, ...]
    """Names of the evaluation's files; empty if the corpus was not compared with any."""
    ngrams: int
    """Word sequences in them."""
    own_texts: int = 0
    """Texts of the scored rows of the user's own tasks, whose files are not named."""


@dataclass(frozen=True)
class CorpusSummary:
    sources: tuple[Source, ...]
    total: Source
    """Sums over all sources, zeros left out, keys sorted."""
    near_duplicates: NearDuplicates | None
    decontamination: Decontamination | None

    @property
    def licences(self) -> dict[str, str]:
        """Source -> licence."""
        return {source.name: source.license for source in self.sources}


class Corpus(ArtifactReader[CorpusSummary]):
    """`shards/NNNNN.parquet` (doc_id, source, title, sentences, paragraph_end), samples of dropped documents, lists of
    near-duplicates."""

    stage = "corpora"

    def shards(self) -> list[Path]:
        """In reading order, as the manifest lists them. Empty if the artifact came without its text."""
        names = sorted(name for name in self.manifest.files if name.startswith(f"{SHARDS}/"))
        return [self.folder / name for name in names] if (self.folder / SHARDS).is_dir() else []

    def text(self, shard: Path) -> Path:
        """A shard whose content is that of the manifest. Raises ArtifactMismatch if it is missing or has changed."""
        self.require_content(shard.relative_to(self.folder).as_posix())
        return shard

    @property
    def dropped_samples(self) -> Path | None:
        """JSON lines: source, reason, and doc_id and text or a place."""
        return self.file(DROPPED)

    @property
    def near_duplicates(self) -> Path | None:
        """JSON lines: doc_id, source, and the document that it repeats."""
        return self.file(NEAR_DUPLICATES)

    @property
    def masks_personal_data(self) -> bool:
        """Whether placeholders replace personal data."""
        return bool(self.config["mask_personal_data"])

    def _parse(self, summary: Mapping[str, Any]) -> CorpusSummary:
        written = parsed(_summary(), summary)
        total_bytes = written.totals.get("bytes", 0)
        sources = tuple(_source(name, entry, total_bytes) for name, entry in written.sources.items())
        return CorpusSummary(sources, _total(sources, written), written.near_duplicates, written.decontamination)


def shards_of(folder: Path) -> list[Path]:
    """The shards of the corpus in `folder`, in reading order, for those who read all of its text. Raises ArtifactMismatch for
    one that is missing or has changed. Shards without a manifest, which no stage wrote, are taken as they are."""
    if not (folder / MANIFEST).exists():
        return sorted((folder / SHARDS).glob("*.parquet"))
    corpus = Corpus(folder)
    return [corpus.text(shard) for shard in corpus.shards()]


@dataclass(frozen=True)
class _WrittenSource:
    license: str
    continuity: bool
    counts: dict[str, int]
    dropped_sentences: dict[str, int]
    personal_data: dict[str, int]
    encodings: dict[str, int]
    not_read: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _WrittenSummary:
    """As the stage writes it."""

    sources: dict[str, _WrittenSource]
    totals: dict[str, int]
    near_duplicates: NearDuplicates | None = None
    decontamination: Decontamination | None = None


@functools.cache
def _summary() -> TypeAdapter[_WrittenSummary]:
    return TypeAdapter(_WrittenSummary)


def _source(name: str, entry: _WrittenSource, total_bytes: int) -> Source:
    counts = entry.counts
    return Source(
        name=name,
        license=entry.license,
        continuity=entry.continuity,
        documents=counts.get("documents", 0),
        kept=counts.get("kept", 0),
        sentences=counts.get("sentences", 0),
        raw_bytes=counts.get("raw_bytes", 0),
        bytes=counts.get("bytes", 0),
        share=counts.get("bytes", 0) / max(1, total_bytes),
        drops=_drops(counts),
        dropped_sentences=_sum([entry.dropped_sentences]),
        personal_data=_sum([entry.personal_data]),
        encodings=_sum([entry.encodings]),
        not_read=_sum([entry.not_read]),
    )


def _total(sources: tuple[Source, ...], written: _WrittenSummary) -> Source:
    counts = written.totals
    return Source(
        name="all",
        license="",
        continuity=all(source.continuity for source in sources),
        documents=counts.get("documents", 0),
        kept=counts.get("kept", 0),
        sentences=counts.get("sentences", 0),
        raw_bytes=counts.get("raw_bytes", 0),
        bytes=counts.get("bytes", 0),
        share=counts.get("bytes", 0) / max(1, counts.get("bytes", 0)),
        drops=_drops(counts),
        dropped_sentences=_sum(source.dropped_sentences for source in sources),
        personal_data=_sum(source.personal_data for source in sources),
        encodings=_sum(source.encodings for source in sources),
        not_read=_sum(source.not_read for source in sources),
    )


def _drops(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in _sum([counts]).items() if reason not in NOT_REASONS}


def _sum(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return {name: count for name, count in sorted(total.items()) if count}
