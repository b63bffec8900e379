"""The formats that the corpus stage reads: one file for each, listed here by hand."""

from __future__ import annotations

from types import MappingProxyType

from corpora.config import SourceConfig
from corpora.sources import (
    ai_hub,
    csv,
    hub_datasets,
    jsonl,
    mediawiki,
    modu,
    namuwiki,
    parquet,
    text,
    web_page,
    wikiextractor,
)
from corpora.sources.source import Source

SOURCES: MappingProxyType[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            text.SOURCE, jsonl.SOURCE, parquet.SOURCE, csv.CSV, csv.TSV, mediawiki.SOURCE, wikiextractor.SOURCE,
            namuwiki.SOURCE, modu.SOURCE, ai_hub.SOURCE, web_page.SOURCE, hub_datasets.SOURCE,
        )
    }
)  # fmt: skip


def check(settings: SourceConfig) -> None:
    """Raises InputError, before a file is read, for settings of a named format that no file fits."""
    if settings.format in SOURCES:
        SOURCES[settings.format].check(settings)
