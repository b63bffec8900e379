"""The formats that the corpus stage reads: one file each, listed here by hand."""

from __future__ import annotations

from types import MappingProxyType

from corpora.sources import jsonl, parquet, text
from corpora.sources.source import Source

SOURCES: MappingProxyType[str, Source] = MappingProxyType(
    {source.name: source for source in (text.SOURCE, jsonl.SOURCE, parquet.SOURCE)}
)
