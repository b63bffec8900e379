"""The records of the corpus stage: raw documents, cleaned documents, and the reasons why documents are dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Document:
    """One original document. `text` keeps its line breaks; a blank line separates paragraphs."""

    doc_id: str
    source: str
    text: str
    title: str = ""
    format: str = ""
    """Format of its markup, a name of `SOURCES`. Empty once the text is prose."""
    masked: tuple[tuple[str, int], ...] = ()
    """Personal data that was masked in the text: (kind, number of places)."""

    def __reduce__(self) -> tuple[type[Document], tuple[object, ...]]:
        """Pickles the fields in order: documents travel to worker processes, and this halves the time."""
        return Document, (self.doc_id, self.source, self.text, self.title, self.format, self.masked)


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a document left the corpus. `reason` is the name of a counter: lower case, underscores."""

    reason: str
    place: str = ""
    """Where it was read, for the log: `dump.jsonl.zst:1704`."""


class Raw(NamedTuple):
    """What a reader found: a document, its markup untouched, or the reason why it could not be read."""

    document: Document | Drop
    source: str
    """Name of the source: a Drop does not know it."""
    format: str
    """Name of the format that it was read from: `SOURCES[format].render` turns its markup into prose."""

    def size(self) -> int:
        """UTF-8 bytes of the text; 0 for a Drop."""
        return len(self.document.text.encode(errors="replace")) if isinstance(self.document, Document) else 0


@dataclass(slots=True)
class SentenceDocument:
    """A cleaned document as a list of sentences, in reading order."""

    doc_id: str
    source: str
    title: str
    sentences: list[str] = field(default_factory=list)
    paragraph_end: list[bool] = field(default_factory=list)
    """For each sentence, whether a paragraph ends after it. The last sentence always ends one."""
