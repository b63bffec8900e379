"""Filters of documents: None keeps, a Drop says why not."""

from __future__ import annotations

import re

from corpora.config import FilterConfig
from kobert_pipeline.records import Document, Drop

_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7c6\ud7cb-\ud7fb]")
_LETTER = re.compile(r"[^\W\d_]")


def hangul_share(text: str) -> float:
    """Share of Hangul among letters, 0 to 1. Digits and punctuation say nothing about language."""
    letters = len(_LETTER.findall(text))
    return len(_HANGUL.findall(text)) / letters if letters else 0.0


def keep(document: Document, config: FilterConfig) -> Drop | None:
    """The first reason to drop a cleaned document, or None."""
    if len(document.text) < config.min_characters:
        return Drop("too_short")
    if hangul_share(document.text) < config.min_hangul_share:
        return Drop("not_korean")
    return None
