"""What a tokenizer does to text: pieces per eojeol, [UNK], agreement of its cuts with morphemes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from tokenizers import Tokenizer, models

_EOJEOL = re.compile(r"\S+")


def measure(
    tokenizer: Tokenizer, sentences: Iterable[str], morpheme_starts: Callable[[str], set[int]] | None = None
) -> dict[str, Any]:
    """Figures over `sentences`, of a tokenizer of any kind. A cut is the start of a piece (or morpheme) inside an eojeol;
    starts of eojeols do not count.

    `cut_f1` and its parts are missing when no `morpheme_starts` is given.
    """
    of_unknown = unknown_id(tokenizer)
    pieces = eojeols = unknown = inner = hit = extra = missed = 0
    for sentence in sentences:
        encoding = tokenizer.encode(sentence, add_special_tokens=False)
        initial = {match.start() for match in _EOJEOL.finditer(sentence)}
        pieces, eojeols = pieces + len(encoding.tokens), eojeols + len(initial)
        unknown += encoding.ids.count(of_unknown)
        inner += sum(piece.startswith("##") for piece in encoding.tokens)
        if morpheme_starts:
            starts = {_first_letter(sentence, start) for start, _ in encoding.offsets}
            found, wanted = starts - initial, morpheme_starts(sentence) - initial
            hit, extra, missed = hit + len(found & wanted), extra + len(found - wanted), missed + len(wanted - found)
    figures: dict[str, Any] = {
        "eojeols": eojeols,
        "pieces_per_eojeol": round(pieces / max(1, eojeols), 4),
        "unknown_share": round(unknown / max(1, pieces), 6),
        "inner_share": round(inner / max(1, pieces), 4),
    }
    if morpheme_starts:
        figures |= {
            "cut_precision": round(hit / max(1, hit + extra), 4),
            "cut_recall": round(hit / max(1, hit + missed), 4),
            "cut_f1": round(2 * hit / max(1, 2 * hit + extra + missed), 4),
        }
    return figures


def unknown_id(tokenizer: Tokenizer) -> int:
    """Of what stands for what the vocabulary lacks: `[UNK]`, `<unk>`. -1 where it lacks nothing, as with bytes."""
    if isinstance(tokenizer.model, models.Unigram):  # which alone has a number, and tells it only so
        found = json.loads(tokenizer.to_str())["model"]["unk_id"]
    else:
        token = tokenizer.model.unk_token
        found = tokenizer.token_to_id(token) if token else None
    return -1 if found is None else int(found)


def _first_letter(sentence: str, start: int) -> int:
    """SentencePiece and byte-level tokenizers count the space before a word as its beginning."""
    while start < len(sentence) and sentence[start].isspace():
        start += 1
    return start
