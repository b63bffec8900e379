"""모두의 말뭉치 (National Institute of Korean Language): written, spoken, messenger and newspaper corpora as JSON.

A file is
`{"id": …, "metadata": …, "document": [{"id", "metadata": {"title"}, "paragraph" | "utterance": [{"form"}]}]}`. `form`,
not `original_form`, is read: it is the one with personal data replaced. A paragraph or an utterance is a line. With `speakers`
a turn is a line: what one person says in a row, after a letter for the person, in the order in which they first speak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.markup import transcription
from corpora.sources.json_elements import json_elements
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, numbered

_PARTS = ("paragraph", "utterance", "sentence")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads documents. One without text is dropped and counted."""
    for number, value in json_elements(raw.utf8(settings), "document", settings.max_document_bytes, raw.place):
        yield value if isinstance(value, Drop) else _document(value, number, raw, settings)


def _document(value: Any, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    place = f"{raw.place}[{number}]"
    if not isinstance(value, Mapping):
        return Drop("not_an_object", place)
    lines = [line for part in _PARTS for line in _lines(value.get(part), settings.speakers)]
    if not lines:
        return Drop("no_text", place)
    metadata = value.get("metadata")
    title = metadata.get("title") if isinstance(metadata, Mapping) else None
    return Document(str(value.get("id") or numbered(raw, number)), settings.name, "\n".join(lines), str(title or ""))


def _lines(parts: Any, speakers: bool) -> Iterator[str]:
    forms = list(_forms(parts))
    if not speakers or not all(speaker for speaker, _ in forms):
        yield from (form for _, form in forms)
        return
    letters: dict[str, str] = {}
    for speaker, turn in groupby(forms, key=itemgetter(0)):
        letter = letters.setdefault(speaker, _letter(len(letters)))
        yield f"{letter}: {' '.join(form.strip() for _, form in turn)}"


def _letter(number: int) -> str:
    """A, B, …, Z, then P27, P28, …"""
    return chr(ord("A") + number) if number < 26 else f"P{number + 1}"


def _forms(parts: Any) -> Iterator[tuple[str, str]]:
    """Who speaks, empty where that is not said, and what is said."""
    for part in parts if isinstance(parts, list) else []:
        form = part.get("form") if isinstance(part, Mapping) else None
        if isinstance(form, str) and form.strip():
            yield str(part.get("speaker_id") or ""), form


SOURCE = Source("modu", (), read, transcription.render, shared_suffixes=(".json",))
