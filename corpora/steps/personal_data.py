"""Step `personal_data`: placeholders such as `[전화번호]` for data that identifies a person."""

from __future__ import annotations

from dataclasses import replace

from corpora.documents import Document
from corpora.personal_data import mask


def personal_data(document: Document) -> Document:
    """Masks the text and the title. `masked` counts the places in the text."""
    text, masked = mask(document.text)
    title = mask(document.title)[0]
    if text == document.text and title == document.title:
        return document
    return replace(document, text=text, title=title, masked=tuple(masked.items()))
