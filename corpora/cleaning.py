"""Cleans one text as the stage does by default. Pure and idempotent; what a reader would miss is never removed."""

from __future__ import annotations

from functools import lru_cache

from corpora.config import CleaningConfig
from corpora.steps.characters import clean_label
from corpora.steps.pipeline import REWRITING, rewriter
from corpora.steps.rewriting import Rewrite

__all__ = ["clean", "clean_label"]

_DEFAULT = CleaningConfig()


def clean(text: str, config: CleaningConfig = _DEFAULT) -> str:
    """Applies all steps that only rewrite text, in their order: one spelling per syllable, no markup, one space between
    words.

    Line breaks stay; one blank line stays between paragraphs. Never fails. A second call changes nothing.
    """
    return _cleaner(config)(text)


@lru_cache
def _cleaner(config: CleaningConfig) -> Rewrite:
    return rewriter(REWRITING, lambda _: config)
