"""A WordPiece tokenizer that exists already, taken as it is: for a checkpoint whose training goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from tokenizer.build import GOLDEN_SENTENCES, MEASURED_SENTENCES, first, morpheme_starts, sentences_of
from tokenizer.extend import wordpiece_vocabulary
from tokenizer.load import open_tokenizer, save
from tokenizer.report import measure
from tokenizer.train import ROLES

logger = logging.getLogger(__name__)

MOST_UNKNOWN = 0.5
"""Share of pieces: a tokenizer that knows less of a Korean text takes its syllables apart, or is not for Korean."""


def adopt(folder: Path, corpora: Path, out: Workspace, *, special_tokens: Sequence[str]) -> dict[str, Any]:
    """Fills `out` with the tokenizer in `folder` (tokenizer.json or vocab.txt). Returns the manifest's summary.

    Raises InputError for one that is no WordPiece tokenizer, lacks a special token, or cannot read the corpus.
    """
    if cuts_at_use(folder):
        raise InputError(
            "tokenizer.adopt: it cuts at morphemes at use (morpheme: inference), which cannot be adopted. Adopt one of "
            "`morpheme: training`, or leave `tokenizer.adopt` out and set `tokenizer.morpheme: inference`."
        )
    tokenizer = open_tokenizer(str(folder))
    wordpiece_vocabulary(tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pieces = _pieces(tokenizer.get_vocab(), [*ROLES.values(), *special_tokens])
    shards = sorted((corpora / "shards").glob("*.parquet"))
    figures = measure(tokenizer, first(sentences_of(shards[-1]), MEASURED_SENTENCES), morpheme_starts)
    if figures["unknown_share"] > MOST_UNKNOWN:
        raise InputError(
            f"tokenizer.adopt: {figures['unknown_share']:.0%} of the corpus is [UNK] to it. It is not for Korean, or its "
            "normaliser takes syllables apart (strip_accents)."
        )
    save(tokenizer, pieces, special_tokens, out.path, first(sentences_of(shards[0]), GOLDEN_SENTENCES))
    logger.info("tokenizer: adopted, %s pieces, %.2f per eojeol", f"{len(pieces):,}", figures["pieces_per_eojeol"])
    inner = sum(piece.startswith("##") for piece in pieces)
    return {"vocab_size": len(pieces), "inner_pieces": inner, "training_text": figures}


def _pieces(vocabulary: dict[str, int], needed: Sequence[str]) -> list[str]:
    """In order of their ids."""
    missing = [token for token in needed if token not in vocabulary]
    if missing:
        raise InputError(f"tokenizer.adopt: its vocabulary has no {', '.join(missing)}, which training needs")
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    if vocabulary[pieces[-1]] != len(pieces) - 1:
        raise InputError(
            f"tokenizer.adopt: its ids have gaps: {len(pieces):,} pieces, the last is {vocabulary[pieces[-1]]:,}"
        )
    return pieces
