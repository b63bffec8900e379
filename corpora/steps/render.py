"""Step `render`: the markup of a source format becomes prose."""

from __future__ import annotations

from dataclasses import replace

from corpora.documents import Document
from corpora.sources import SOURCES


def render(document: Document) -> Document:
    """Turns the markup that `document.format` names into prose. A document without markup is returned as it is."""
    source = SOURCES.get(document.format)
    if source is None or source.render is None:
        return document
    return replace(document, text=source.render(document.text), format="")
