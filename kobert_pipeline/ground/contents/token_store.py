"""The token store's description. `kobert_pipeline.dataset.store.Store` reads its blocks."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed


@dataclass(frozen=True)
class SplitCounts:
    documents: int
    sentences: int
    tokens: int
    empty_sentences: int = 0
    """Sentences that are left out because none of their tokens remains."""
    swallowed_eojeols: int = 0
    """Eojeols that begin inside a token."""
    swallowed_morphemes: int | None = None
    """Morphemes that begin inside a token. None if the store holds no morphemes."""
    characters: int | None = None
    """Of the texts, with spaces and line breaks. None if the tokenizer does not give a text back as it was."""

    wrong_spaces: int | None = None
    """Sentences in which spaces were moved on purpose. None if that was not asked for."""

    @property
    def characters_per_token(self) -> float | None:
        return None if self.characters is None or not self.tokens else self.characters / self.tokens


@dataclass(frozen=True)
class StoreSource:
    name: str
    continuity: bool
    """Neighbouring sentences of a document continue each other."""
    tokens: int = 0
    """In the training split."""


@dataclass(frozen=True)
class TokenStoreSummary:
    vocab_size: int
    files: dict[str, dict[str, int]]
    """Split -> file in its folder -> sentences."""
    train: SplitCounts
    validation: SplitCounts
    sources: tuple[StoreSource, ...]
    """The store numbers its sources by their place here."""
    unigram_entropy: float
    """Nats, of the tokens of the training split."""
    annotations: tuple[str, ...] = ()
    parts_of_speech: tuple[str, ...] = ()
    """Names of the codes of the annotation `part_of_speech`."""

    def split(self, name: str) -> SplitCounts:
        return {"train": self.train, "validation": self.validation}[name]


@functools.cache
def _summary() -> TypeAdapter[TokenStoreSummary]:
    return TypeAdapter(TokenStoreSummary)


class TokenStore(ArtifactReader[TokenStoreSummary]):
    """`train/NNNNN.arrow` and `validation/NNNNN.arrow`."""

    stage = "dataset"

    def _parse(self, summary: Mapping[str, Any]) -> TokenStoreSummary:
        return parsed(_summary(), summary)
