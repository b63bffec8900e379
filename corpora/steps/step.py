"""What a step is: a function from a document to a document, or to the reason why the document is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from corpora.documents import Document, Drop
from kobert_pipeline.ground.config import Config


@dataclass(frozen=True)
class Step:
    function: Callable[..., Document | Drop]
    """(document), or (document, options=…) where the step has options. Pure: it runs in worker processes."""
    does: str
    """What it does, in one sentence, for the README and for messages."""
    options: type[Config] | None = None
    """The class of its options: the section of `corpora` in a recipe that is of this class."""
    rewrite: Callable[..., str] | None = None
    """Set for a step that only rewrites text: (text), or (text, options=…), applied to the text and to the title."""
    signs: tuple[str, ...] = ()
    """Strings without which `rewrite` changes nothing in a text that all rewriting steps have passed."""
