"""What travels between the steps of the corpus stage: documents, and the reasons for which they are dropped."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """One original document. `text` keeps its line breaks; a blank line separates paragraphs."""

    doc_id: str
    source: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a document left the corpus. `reason` is a counter's name: lower case, underscores."""

    reason: str
    place: str = ""
    """Where it stood, for the log: `dump.jsonl.zst:1704`."""


@dataclass(slots=True)
class SentenceDocument:
    """A cleaned document as a list of sentences, in reading order."""

    doc_id: str
    source: str
    title: str
    sentences: list[str] = field(default_factory=list)
