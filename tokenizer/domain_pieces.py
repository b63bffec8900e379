"""Adds pieces for the words of a domain to an existing WordPiece tokenizer. Old ids do not change."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Mapping, Sequence

from tokenizers import Tokenizer

from kobert_pipeline.ground.errors import InputError
from tokenizer.words import piece_of


def useful_pieces(tokenizer: Tokenizer, units: Mapping[str, int], number: int, min_frequency: int = 5) -> list[str]:
    """Chooses at most `number` morphemes that are not pieces yet; those that save most pieces of the text come first.

    `units` are counted morphemes (see `tokenizer.words.count_units`). The saving of a morpheme is computed again after
    each choice, because pieces chosen before may have reduced it. Raises InputError when nothing would be saved.
    """
    vocabulary = set(wordpiece_vocabulary(tokenizer))
    counts = {piece_of(unit): count for unit, count in units.items() if count >= min_frequency}
    waiting = [
        (-count * _saving(piece, vocabulary), piece) for piece, count in counts.items() if piece not in vocabulary
    ]
    heapq.heapify(waiting)
    chosen: list[str] = []
    while waiting and len(chosen) < number:
        stale, piece = heapq.heappop(waiting)
        saving = -counts[piece] * _saving(piece, vocabulary)
        if saving >= 0:
            continue
        if saving > stale and waiting and (saving, piece) > waiting[0]:
            heapq.heappush(waiting, (saving, piece))
            continue
        chosen.append(piece)
        vocabulary.add(piece)
    if not chosen:
        raise InputError(
            f"The text adds nothing to this vocabulary: every morpheme that occurs {min_frequency} times or more is "
            "already a piece."
        )
    return chosen


def _saving(piece: str, vocabulary: Collection[str]) -> int:
    """How many pieces each occurrence of `piece` would save if it were one piece. An unknown character makes the whole
    word unknown, which is worse than any number of pieces."""
    parts = greedy_parts(piece, vocabulary)
    return len(parts) - 1 if parts else len(piece) + 1


def greedy_parts(piece: str, vocabulary: Collection[str]) -> list[str]:
    """Splits `piece` into pieces by longest match first, inner ones if it is an inner one; empty if it is unknown."""
    prefix, text = ("##", piece[2:]) if piece.startswith("##") and len(piece) > 2 else ("", piece)
    parts, start = [], 0
    while start < len(text):
        begin = prefix if start == 0 else "##"
        end = next((end for end in range(len(text), start, -1) if begin + text[start:end] in vocabulary), None)
        if end is None:
            return []
        parts.append(begin + text[start:end])
        start = end
    return parts


def wordpiece_vocabulary(tokenizer: Tokenizer) -> dict[str, int]:
    """Piece -> id. Raises InputError for a tokenizer that is not WordPiece."""
    model = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "WordPiece":
        raise InputError(f"Only WordPiece tokenizers can be extended; this one is {model['type']}.")
    vocabulary: dict[str, int] = model["vocab"]
    return vocabulary


def extended(tokenizer: Tokenizer, pieces: Sequence[str]) -> Tokenizer:
    """Returns the tokenizer with `pieces` after all its present ids."""
    wordpiece_vocabulary(tokenizer)
    content = json.loads(tokenizer.to_str())
    begin = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values())
    content["model"]["vocab"] |= {piece: begin + number for number, piece in enumerate(pieces)}
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def replaced(tokenizer: Tokenizer, piece: str) -> list[int]:
    """Ids of the pieces that a new one replaces; the id of [UNK] if it was unknown."""
    vocabulary = wordpiece_vocabulary(tokenizer)
    unknown = json.loads(tokenizer.to_str())["model"]["unk_token"]
    return [vocabulary[part] for part in greedy_parts(piece, vocabulary) or [unknown]]
