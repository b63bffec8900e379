"""Steps that only rewrite text. Neighbours of this kind run together, pass after pass, until nothing changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from corpora.documents import Document
from corpora.signs import holds_any
from corpora.steps.step import Step
from kobert_pipeline.ground.config import Config

Rewrite = Callable[[str], str]

MAX_PASSES = 6
"""One pass can expose what the next removes (`&amp;lt;b&amp;gt;`). Deeper nesting does not occur in honest text."""
_MARKS = re.compile(r"[^\w\s.,!?%]|[_êëìí]|www\.", re.IGNORECASE)


def rewriting(
    rewrite: Callable[..., str], does: str, options: type[Config] | None = None, signs: tuple[str, ...] = ()
) -> Step:
    """Makes a step of a function from text to text: it rewrites the text and the title of a document."""

    def function(document: Document, **settings: Any) -> Document:
        text, title = rewrite(document.text, **settings), rewrite(document.title, **settings)
        return replace(document, text=text, title=title)

    return Step(function, does, options, rewrite, signs)


def until_stable(rewrites: Sequence[Rewrite], signs: Sequence[str] = ()) -> Rewrite:
    """One function that applies `rewrites` in order, pass after pass, until the text no longer changes.

    A text that holds none of `signs` is not tried again. Text that still changes after MAX_PASSES loses every mark that
    markup is made of, so that another call changes nothing.
    """

    def once(text: str) -> str:
        for rewrite in rewrites:
            text = rewrite(text)
        return text

    def stable(text: str) -> str:
        for _ in range(MAX_PASSES):
            rewritten = once(text)
            if rewritten == text or (signs and not holds_any(rewritten, signs)):
                return rewritten
            text = rewritten
        return once(_MARKS.sub(" ", text))

    return stable
