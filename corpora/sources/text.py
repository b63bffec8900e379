"""Plain text: documents are separated by blank lines, or are a file or a line each."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, numbered
from kobert_pipeline.ground.errors import InputError


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads documents: `documents` of the settings says what a document is.

    Raises InputError for a first file of a source that names a field: a text has none.
    """
    if raw.first and settings.text_fields != ("text",):
        raise InputError(
            "{place}: a text has no fields, but source `{source}` sets `text_field: {fields}`. Set `format` (tsv, csv, "
            "jsonl), or leave out `text_field`.",
            place=raw.place,
            source=settings.name,
            fields=", ".join(settings.text_fields),
        )
    if settings.documents == "file":
        yield _file(raw, settings)
    elif settings.documents == "line":
        yield from _lines(raw, settings)
    else:
        yield from _blocks(raw, settings)


def _file(raw: RawFile, settings: SourceConfig) -> Document | Drop:
    text = raw.text(settings)
    return text if isinstance(text, Drop) else Document(raw.stem, settings.name, text)


def _lines(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    for item in raw.lines(settings):
        if isinstance(item, Drop):
            yield item
        elif item[1].strip():
            yield Document(numbered(raw, item[0] - 1), settings.name, item[1].rstrip("\r\n"))


def _blocks(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """A line that cannot be read is dropped from its document; a document beyond the limit is dropped as a whole."""
    number = 0
    for block in _gathered(raw, settings):
        if isinstance(block, Drop):
            yield block
        else:
            yield Document(numbered(raw, number), settings.name, block)
            number += 1


def _gathered(raw: RawFile, settings: SourceConfig) -> Iterator[str | Drop]:
    lines: list[str] = []
    size, first = 0, 0
    for item in raw.lines(settings):
        if isinstance(item, Drop):
            yield item
            continue
        number, line = item
        if line.strip():
            first = first or number
            size += len(line.encode(errors="replace"))
            if size <= settings.max_document_bytes:
                lines.append(line)
            else:
                lines.clear()
        elif first:
            yield _block(lines, raw, first)
            lines, size, first = [], 0, 0
    if first:
        yield _block(lines, raw, first)


def _block(lines: list[str], raw: RawFile, first: int) -> str | Drop:
    return "".join(lines) if lines else Drop("too_large", f"{raw.place}:{first}")


SOURCE = Source("text", (".txt",), read, shared_suffixes=(".md", ".text"))
