"""Measures what a tokenizer does to text: pieces per eojeol, [UNK], agreement of its cuts with morphemes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from tokenizers import Tokenizer, models

from kobert_pipeline.morphology.byte_level import bytes_of, is_byte_level

_EOJEOL = re.compile(r"\S+")


def measure(
    tokenizer: Tokenizer, sentences: Iterable[str], morpheme_starts: Callable[[str], set[int]] | None = None
) -> dict[str, Any]:
    """Measures a tokenizer of any kind on `sentences`. A cut is the start of a piece (or morpheme) inside an eojeol;
    starts of eojeols do not count.

    Without `morpheme_starts` the result lacks `cut_f1`, `cut_precision` and `cut_recall`.
    """
    unknown_piece = unknown_id(tokenizer)
    pieces = eojeols = unknown = inner = hit = extra = missed = 0
    for sentence in sentences:
        encoding = tokenizer.encode(sentence, add_special_tokens=False)
        initial = {match.start() for match in _EOJEOL.finditer(sentence)}
        pieces, eojeols = pieces + len(encoding.tokens), eojeols + len(initial)
        unknown += encoding.ids.count(unknown_piece)
        inner += _continuing(tokenizer, encoding.tokens)
        if morpheme_starts:
            starts = {first_letter(sentence, start) for start, _ in encoding.offsets}
            cuts, expected = starts - initial, morpheme_starts(sentence) - initial
            hit, extra, missed = hit + len(cuts & expected), extra + len(cuts - expected), missed + len(expected - cuts)
    figures: dict[str, Any] = {
        "eojeols": eojeols,
        "pieces_per_eojeol": round(pieces / max(1, eojeols), 4),
        "unknown_share": round(unknown / max(1, pieces), 6),
        "inner_share": round(inner / max(1, pieces), 4),
    }
    return figures | (_agreement(hit, extra, missed) if morpheme_starts else {})


def _continuing(tokenizer: Tokenizer, pieces: list[str]) -> int:
    """Pieces that continue a word: those with ##, or, of a byte-level tokenizer, those that do not begin with a space."""
    if is_byte_level(tokenizer):
        return sum(not bytes_of(piece)[:1].isspace() for piece in pieces)
    return sum(piece.startswith("##") for piece in pieces)


def _agreement(hit: int, extra: int, missed: int) -> dict[str, float]:
    return {
        "cut_precision": round(hit / max(1, hit + extra), 4),
        "cut_recall": round(hit / max(1, hit + missed), 4),
        "cut_f1": round(2 * hit / max(1, 2 * hit + extra + missed), 4),
    }


def unknown_id(tokenizer: Tokenizer) -> int:
    """The id that replaces what the vocabulary lacks (`[UNK]`, `<unk>`); -1 if it lacks nothing, as with bytes."""
    if isinstance(tokenizer.model, models.Unigram):  # only this model stores a number, and shows it only here
        number = json.loads(tokenizer.to_str())["model"]["unk_id"]
    else:
        token = tokenizer.model.unk_token
        number = tokenizer.token_to_id(token) if token else None
    return -1 if number is None else int(number)


def first_letter(sentence: str, start: int) -> int:
    """Where the text of a piece begins. SentencePiece and byte-level tokenizers count the space before a word as part of the word."""
    while start < len(sentence) and sentence[start].isspace():
        start += 1
    return start
