"""JSON Lines: one object per line, the text in one field or in several."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, document
from kobert_pipeline.ground.errors import InputError


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads lines. One that is not a JSON object with a text is dropped; a first line without the field is an error."""
    first = raw.first
    for item in raw.lines(settings):
        if isinstance(item, Drop):
            yield item
        elif item[1].strip():
            if first:
                _check_beginning(item[1].strip(), raw, settings)
            first = False
            yield _document(item[1], item[0] - 1, raw, settings)


def _document(line: str, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    place = f"{raw.place}:{number + 1}"
    try:
        row = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return Drop("unreadable_line", place)
    if not isinstance(row, dict):
        return Drop("not_an_object", place)
    if number == 0 and not any(field in row for field in settings.text_fields):
        raise InputError(
            "{place}: the first line has no field `{fields}`; its fields are {names}. Set `text_field` of source `{source}`.",
            place=raw.place,
            fields=", ".join(settings.text_fields),
            names=", ".join(row),
            source=settings.name,
        )
    return document(row, number, raw, settings, place)


def _check_beginning(line: str, raw: RawFile, settings: SourceConfig) -> None:
    """Raises InputError for a file that is one JSON array or object, not one object per line."""
    if line.startswith("[") or line == "{":
        whole, path = ("array", "[].text") if line.startswith("[") else ("object", "data[].text")
        raise InputError(
            "{place}: this is one JSON {whole}, not one object per line. Set `format: ai_hub` of source `{source}` and a path "
            "such as `text_field: {path}`.",
            place=raw.place,
            whole=whole,
            source=settings.name,
            path=path,
        )


SOURCE = Source("jsonl", (".jsonl", ".ndjson"), read, shared_suffixes=(".json",))
