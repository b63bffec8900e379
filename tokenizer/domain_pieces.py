"""Adds pieces for the words of a domain to an existing WordPiece tokenizer. Old ids do not change."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Mapping, Sequence

from tokenizers import Tokenizer, models

from kobert_pipeline.ground.errors import InputError
from tokenizer.words import piece_of


def useful_pieces(tokenizer: Tokenizer, units: Mapping[str, int], number: int, min_frequency: int = 5) -> list[str]:
    """Chooses at most `number` morphemes that are not pieces yet; those that save most pieces of the text come first.

    `units` are counted morphemes (see `tokenizer.words.count_units`). The saving of a morpheme is computed again after
    each choice, because pieces chosen before may have reduced it. Raises InputError when nothing would be saved.
    """
    vocabulary = set(wordpiece_vocabulary(tokenizer))
    counts = {piece_of(unit): count for unit, count in units.items() if count >= min_frequency}
    counts = {piece: count for piece, count in counts.items() if _is_reachable(piece, tokenizer)}
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
            "The text adds nothing to this vocabulary: every morpheme that occurs {min_frequency} times or more is already a piece, or the tokenizer's normaliser changes it (lower-casing, taking syllables apart).",
            min_frequency=min_frequency,
        )
    return chosen


def _is_reachable(piece: str, tokenizer: Tokenizer) -> bool:
    """Whether the normaliser leaves it as it is. No text would be cut into it otherwise."""
    text = piece.removeprefix("##")
    return tokenizer.normalizer is None or tokenizer.normalizer.normalize_str(text).strip() == text


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
    """Piece -> id, added tokens included. Raises InputError for a tokenizer that is not WordPiece as BERT writes it."""
    model = tokenizer.model
    if not isinstance(model, models.WordPiece):
        raise InputError("Only WordPiece tokenizers can be extended; this one is {kind}.", kind=type(model).__name__)
    if model.continuing_subword_prefix != "##":
        raise InputError(
            "Its pieces inside a word begin with {prefix!r}, not with '##'.", prefix=model.continuing_subword_prefix
        )
    vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
    if model.unk_token not in vocabulary:
        raise InputError("Its vocabulary lacks the token for unknown words, {token!r}.", token=model.unk_token)
    tokens = {number: token for token, number in vocabulary.items()}
    for token, number in vocabulary.items():
        if tokens[number] != token:
            raise InputError(
                "Its tokens {first!r} and {token!r} have the same id, {number:,}.",
                first=tokens[number],
                token=token,
                number=number,
            )
    return vocabulary


def first_new_id(tokenizer: Tokenizer) -> int:
    """The id after all present ones, which may have gaps."""
    return 1 + max(tokenizer.get_vocab(with_added_tokens=True).values())


def extended(tokenizer: Tokenizer, pieces: Sequence[str]) -> Tokenizer:
    """Returns the tokenizer with `pieces` after all its present ids.

    Added tokens move into the vocabulary of WordPiece. Outside of it they would be numbered again from its size whenever the
    file is read, and would take the ids of new pieces.
    """
    vocabulary, begin = wordpiece_vocabulary(tokenizer), first_new_id(tokenizer)
    content = json.loads(tokenizer.to_str())
    content["model"]["vocab"] = vocabulary | {piece: begin + number for number, piece in enumerate(pieces)}
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def replaced(tokenizer: Tokenizer, piece: str) -> list[int]:
    """Ids of the pieces that a new one replaces; the id of [UNK] if it was unknown."""
    vocabulary = wordpiece_vocabulary(tokenizer)
    unknown = tokenizer.model.unk_token
    return [vocabulary[part] for part in greedy_parts(piece, vocabulary) or [unknown]]
