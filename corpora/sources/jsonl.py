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
    for item in raw.lines(settings):
        if isinstance(item, Drop):
            yield item
        elif item[1].strip():
            yield _document(item[1], item[0] - 1, raw, settings)


def _document(line: str, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    place = f"{raw.place}:{number + 1}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Drop("unreadable_line", place)
    if not isinstance(row, dict):
        return Drop("not_an_object", place)
    found = document(row, number, raw, settings, place)
    if number == 0 and isinstance(found, Drop) and found.reason == "no_text":
        raise InputError(
            f"{raw.place}: the first line has no text in `{', '.join(settings.text_fields)}`; "
            f"its fields are {', '.join(row)}. Set `text_field` of source `{settings.name}`."
        )
    return found


SOURCE = Source("jsonl", (".jsonl", ".ndjson"), read, shared_suffixes=(".json",))
