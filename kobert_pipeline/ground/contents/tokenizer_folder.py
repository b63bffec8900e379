"""The tokenizer: `tokenizer.json`, its vocabulary, and what it does to text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed
from kobert_pipeline.ground.contents.origin import Origin, origin
from kobert_pipeline.ground.files import damaged, read_json

TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.txt"
GOLDEN = "golden.json"
MECAB_DICTIONARY = "python-mecab-ko-dic"


@dataclass(frozen=True)
class TextFigures:
    """The tokenizer on 2,000 sentences of its training text. Cuts are compared with starts of morphemes."""

    eojeols: int
    pieces_per_eojeol: float
    unknown_share: float
    """[UNK] among the pieces, 0 to 1."""
    inner_share: float
    """Pieces that continue a word (##) among all, 0 to 1."""
    cut_precision: float | None = None
    cut_recall: float | None = None
    cut_f1: float | None = None


@dataclass(frozen=True)
class TokenizerSummary:
    vocab_size: int
    inner_pieces: int
    """Pieces of the vocabulary that continue a word (##)."""
    training_text: TextFigures
    distinct_morphemes: int | None = None
    """None for a tokenizer that was adopted."""
    cased: bool = True
    """False for an adopted tokenizer that lowers letters."""
    nfc: bool = True
    """False for an adopted tokenizer that cuts decomposed Hangul (NFD) otherwise than composed."""


REMEDY = "Build the tokenizer again."


def read_golden(path: Path) -> list[tuple[str, list[str]]]:
    """Sentences with their pieces. Raises InputError if the file is damaged."""
    try:
        return [(str(entry["text"]), list(entry["pieces"])) for entry in read_json(path, REMEDY)]
    except (TypeError, KeyError):
        raise damaged(path, REMEDY) from None


@functools.cache
def _summary() -> TypeAdapter[TokenizerSummary]:
    return TypeAdapter(TokenizerSummary)


class TokenizerFolder(ArtifactReader[TokenizerSummary]):
    """What `tokenizers` and `transformers` load, and sentences with their pieces to check a loaded copy by."""

    stage = "tokenizer"

    def _parse(self, summary: Mapping[str, Any]) -> TokenizerSummary:
        return parsed(_summary(), summary)

    @property
    def tokenizer_file(self) -> Path | None:
        return self.file(TOKENIZER)

    @property
    def vocabulary_file(self) -> Path | None:
        """One piece per line, in the order of their ids."""
        return self.file(VOCABULARY)

    @property
    def golden(self) -> Path:
        """Sentences of the corpus with their pieces. Never published."""
        return self.folder / GOLDEN

    @property
    def morpheme(self) -> str:
        """Where morphemes bound pieces: `training` or `inference`, or another value of `tokenizer.morpheme`."""
        return str(self.config["morpheme"])

    @property
    def kind(self) -> str:
        """`WordPiece` or `Byte-level BPE`."""
        return "Byte-level BPE" if self.config.get("model") == "bpe" else "WordPiece"

    @property
    def adopted_from(self) -> Origin | None:
        """None for a tokenizer that was learned."""
        return origin(self.inputs, "adopt")

    @property
    def mecab_dictionary(self) -> str:
        """Version of the MeCab dictionary, which a tokenizer of `morpheme: inference` needs at use."""
        return self.libraries[MECAB_DICTIONARY]
