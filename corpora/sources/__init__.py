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
    office,
    parquet,
    text,
    web_archive,
    web_page,
    wikiextractor,
)
from corpora.sources.source import Source
from kobert_pipeline.ground.addresses import expand_variables

SOURCES: MappingProxyType[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            text.SOURCE, jsonl.SOURCE, parquet.SOURCE, csv.CSV, csv.TSV, mediawiki.SOURCE, wikiextractor.SOURCE,
            namuwiki.SOURCE, modu.SOURCE, ai_hub.SOURCE, web_page.SOURCE, web_page.MAIN,
            web_archive.WARC, web_archive.WARC_MAIN, web_archive.WET, office.HWP, office.HWPX,
            office.DOCX, office.PDF, hub_datasets.SOURCE,
        )
    }
)  # fmt: skip


def check(settings: SourceConfig) -> None:
    """Raises InputError, before a file is read, for settings of a named format that no file fits, and for data on the Hub that is
    not there."""
    path = expand_variables(settings.path, f"corpora.sources.{settings.name}.path")
    name = hub_datasets.SOURCE.name if path.startswith(hub_datasets.HUB) else settings.format
    if name in SOURCES:
        SOURCES[name].check(settings)
