"""Adopts an existing WordPiece tokenizer unchanged: for a checkpoint whose training continues."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from tokenizer.build import GOLDEN_SENTENCES, MEASURED_SENTENCES, first, morpheme_starts, sentences_of
from tokenizer.domain_pieces import wordpiece_vocabulary
from tokenizer.load import open_tokenizer, save
from tokenizer.measure import measure
from tokenizer.train import ROLES

logger = logging.getLogger(__name__)

MOST_UNKNOWN = 0.5
"""Share of pieces. A tokenizer with more [UNK] in Korean text takes syllables apart, or is not for Korean."""

PROBE = "대한민국의 수도는 서울이다"
DECOMPOSED = (
    "the adopted tokenizer cuts decomposed Hangul (NFD, as macOS writes it) otherwise than composed. The corpus is "
    "composed; whoever uses the model must compose text first: unicodedata.normalize('NFC', text)"
)


def adopt(folder: Path, corpora: Path, out: Workspace, *, special_tokens: Sequence[str]) -> dict[str, Any]:
    """Fills `out` with the tokenizer in `folder` (tokenizer.json or vocab.txt). Returns the manifest's summary.

    Raises InputError for a tokenizer that is not WordPiece, lacks a special token, or cannot read the corpus.
    """
    tokenizer, pieces = adoptable(folder, special_tokens)
    shards = shards_of(corpora)
    figures = measure(tokenizer, first(sentences_of(shards[-1]), MEASURED_SENTENCES), morpheme_starts)
    if figures["unknown_share"] > MOST_UNKNOWN:
        raise InputError(
            "tokenizer.adopt: it turns {share:.0%} of the corpus into [UNK]. It is not for Korean, or its normaliser takes syllables apart (strip_accents).",
            share=figures["unknown_share"],
        )
    save(tokenizer, pieces, special_tokens, out.path, first(sentences_of(shards[0]), GOLDEN_SENTENCES))
    logger.info("tokenizer: adopted, %s pieces, %.2f per eojeol", f"{len(pieces):,}", figures["pieces_per_eojeol"])
    cased, nfc = is_cased(tokenizer), reads_decomposed(tokenizer)
    if not nfc:
        logger.warning("tokenizer: %s", DECOMPOSED)
    inner = sum(piece.startswith("##") for piece in pieces)
    return {"vocab_size": len(pieces), "inner_pieces": inner, "training_text": figures, "cased": cased, "nfc": nfc}


def reads_decomposed(tokenizer: Tokenizer) -> bool:
    """Whether Hangul gives the same pieces composed (NFC) and decomposed into jamo (NFD)."""
    composed, decomposed = (tokenizer.encode(unicodedata.normalize(form, PROBE)).ids for form in ("NFC", "NFD"))
    return bool(composed == decomposed)


def is_cased(tokenizer: Tokenizer) -> bool:
    """Whether the normaliser keeps capital letters."""
    normalizer = tokenizer.normalizer
    return normalizer is None or normalizer.normalize_str("ABC") == "ABC"


def adoptable(folder: Path, special_tokens: Sequence[str]) -> tuple[Any, list[str]]:
    """The tokenizer in `folder`, and its pieces in order of their ids. Raises InputError for one that cannot be adopted,
    whatever the corpus is."""
    if cuts_at_use(folder):
        raise InputError(
            "tokenizer.adopt: this tokenizer cuts at morphemes at use (morpheme: inference), and cannot be adopted. "
            "Adopt one of `morpheme: training`, or leave out `tokenizer.adopt` and set `tokenizer.morpheme: inference`."
        )
    tokenizer = open_tokenizer(str(folder))
    wordpiece_vocabulary(tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, _pieces(tokenizer.get_vocab(), [*ROLES.values(), *special_tokens])


def _pieces(vocabulary: dict[str, int], needed: Sequence[str]) -> list[str]:
    """The pieces in order of their ids."""
    missing = [token for token in needed if token not in vocabulary]
    if missing:
        raise InputError(
            "tokenizer.adopt: its vocabulary lacks {missing}, which training needs", missing=", ".join(missing)
        )
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    if vocabulary[pieces[-1]] != len(pieces) - 1:
        raise InputError(
            "tokenizer.adopt: its ids have gaps: {pieces:,} pieces, but the last id is {last:,}",
            pieces=len(pieces),
            last=vocabulary[pieces[-1]],
        )
    return pieces
