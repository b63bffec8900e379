"""JSON Lines: one object a line, the text in one field."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.sources.source import Source, open_text, stem
from kobert_pipeline.errors import InputError
from kobert_pipeline.records import Document, Drop


def read(address: str, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Lines that are not JSON objects with a text are dropped and counted; a first line without the field is an error."""
    prefix = stem(address)
    with open_text(address) as stream:
        for number, line in enumerate(stream):
            if not line.strip():
                continue
            yield _document(line, number, prefix, address, settings)


def _document(line: str, number: int, prefix: str, address: str, settings: SourceConfig) -> Document | Drop:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Drop("unreadable_line")
    if not isinstance(row, dict):
        return Drop("not_an_object")
    text = row.get(settings.text_field)
    if not isinstance(text, str):
        if number == 0:
            raise InputError(
                f"{address}: the first line has no text in `{settings.text_field}`; its fields are {', '.join(row)}. Set `text_field` of source `{settings.name}`."
            )
        return Drop("no_text")
    identifier = row.get(settings.id_field)
    return Document(
        str(identifier) if identifier is not None else f"{prefix}-{number:06d}",
        settings.name,
        text,
        str(row.get(settings.title_field) or ""),
    )


SOURCE = Source("jsonl", (".jsonl", ".ndjson"), read)
