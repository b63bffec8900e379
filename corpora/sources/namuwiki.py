"""NamuWiki's JSON dump: one array of `{"namespace", "title", "text"}`; the text has NamuWiki's markup (나무마크)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.markup import namumark
from corpora.sources.json_elements import json_elements
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, numbered

_REDIRECT = re.compile(r"\s*#(?:redirect|넘겨주기)\b", re.IGNORECASE)
_ARTICLES = ("", "문서", "main")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads pages. Redirects and pages outside `namespaces` are dropped and counted."""
    for number, value in json_elements(raw.utf8(settings), None, settings.max_document_bytes, raw.place):
        yield value if isinstance(value, Drop) else _page(value, number, raw, settings)


def _page(value: Any, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    place = f"{raw.place}[{number}]"
    if not isinstance(value, Mapping):
        return Drop("not_an_object", place)
    text = value.get("text")
    if not isinstance(text, str):
        return Drop("no_text", place)
    if _namespace(value.get("namespace")) not in settings.namespaces:
        return Drop("other_namespace", place)
    if _REDIRECT.match(text):
        return Drop("redirect", place)
    return Document(numbered(raw, number), settings.name, text, str(value.get("title") or ""))


def _namespace(value: Any) -> int:
    """Dumps number the namespaces, as numbers or as strings; an unknown name is -1, which no setting names."""
    if value is None or (isinstance(value, str) and value.lower() in _ARTICLES):
        return 0
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


SOURCE = Source("namuwiki", (), read, namumark.render, shared_suffixes=(".json",))
