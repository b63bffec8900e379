"""Choosing which pieces stay, by what they do to text that WordPiece cuts greedily.

Merging learns more pieces than asked for; many are steps on the way to longer ones, and some match where they should not:
longest-match-first takes `나는` out of `나는` (나+는) because `날+는` made it a piece. Here every piece is knocked out in
turn on a sample of words whose morphemes are known. The loss is the number of cuts that are then wrong, extra or missing,
less those that are wrong with it; and every cut has its price, right or wrong. The pieces of least loss go, harmful ones (a
negative loss) first. As what remains takes over, losses are counted anew several times on the way. (Pruning by loss is Kudo
2018's way to a unigram vocabulary; the loss here is that of greedy matching against morphemes, the price the Lagrange
multiplier of a limit on pieces per word.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from kobert_pipeline.morphology.mecab import SEPARATOR
from tokenizer.words import shifted

ROUNDS = 8


class Word(NamedTuple):
    text: str
    """Shifted, as `tokenizer.words.shifted` writes a whole word."""
    cuts: tuple[int, ...]
    """Where its morphemes meet: characters from its start, in order."""
    times: int


def known_words(counts: Mapping[str, int]) -> list[Word]:
    """Words from counted words with their marks (see `tokenizer.words.count_words`), in an order of their own."""
    return [
        Word(shifted(word.replace(SEPARATOR, ""), initial=True), _marks(word), count)
        for word, count in sorted(counts.items())
        if max(word) < "\U00020000"
    ]


def _marks(word: str) -> tuple[int, ...]:
    return tuple(accumulate(len(morpheme) for morpheme in word.split(SEPARATOR)[:-1]))


def knock_out(pieces: Iterable[str], words: Sequence[Word], size: int, cut_price: float = 0) -> list[str]:
    """The `size` pieces that cut `words` most as their morphemes do, in the order given. Single characters all stay. A cut
    costs `cut_price` beside the 1 of a wrong one.

    Deterministic: ties go by the order given, later pieces first.
    """
    rank = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    vocabulary = _Vocabulary(rank)
    ends = [vocabulary.ends(word.text) for word in words]
    for left in range(ROUNDS, 0, -1):
        surplus = len(vocabulary.pieces) - size
        if surplus <= 0:
            break
        loss = losses(vocabulary, words, ends, cut_price)
        order = sorted((p for p in vocabulary.pieces if len(p) > 1), key=lambda p: (loss[p], -rank[p]))
        gone = set(order[: -(-surplus // left)])
        vocabulary = _Vocabulary(vocabulary.pieces - gone)
        for number, word in enumerate(words):
            if not gone.isdisjoint(_cut(word.text, ends[number])):
                ends[number] = vocabulary.ends(word.text)
    return sorted(vocabulary.pieces, key=rank.__getitem__)


class _Vocabulary:
    """Greedy longest-match-first over a set of pieces. A character without a piece is one of its own."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.pieces = set(pieces)
        self.longest: dict[str, int] = defaultdict(lambda: 1)
        for piece in self.pieces:
            self.longest[piece[0]] = max(self.longest[piece[0]], len(piece))

    def ends(self, text: str) -> list[int]:
        """Where each piece of a word ends."""
        found, start = [], 0
        while start < len(text):
            start = self.next_end(text, start, "")
            found.append(start)
        return found

    def next_end(self, text: str, start: int, without: str) -> int:
        end = min(len(text), start + self.longest[text[start]])
        while end > start + 1:
            piece = text[start:end]
            if piece in self.pieces and piece != without:
                return end
            end -= 1
        return start + 1


def losses(
    vocabulary: _Vocabulary, words: Sequence[Word], ends: Sequence[Sequence[int]], cut_price: float = 0
) -> dict[str, float]:
    """Piece -> what the cuts of `words` cost without it, less what they cost with it. Pieces that are never used have 0."""
    loss: dict[str, float] = defaultdict(float)
    for word, own in zip(words, ends, strict=True):
        start = 0
        for number, end in enumerate(own):
            if end - start > 1:
                wrong, more = _change(vocabulary, word, own, number, start)
                loss[word.text[start:end]] += word.times * (wrong + cut_price * more)
            start = end
    return loss


def _change(vocabulary: _Vocabulary, word: Word, own: Sequence[int], number: int, start: int) -> tuple[int, int]:
    """How many wrong cuts more, and how many cuts more, if the piece from `start` to `own[number]` were gone. Both ways of
    cutting meet again at `end`."""
    text, cuts = word.text, word.cuts
    without, end, wrong, more = text[start : own[number]], start, 0, 0
    old = number
    while True:
        end = vocabulary.next_end(text, end, without)
        while own[old] < end:
            wrong -= -1 if own[old] in cuts else 1
            more -= 1
            old += 1
        if own[old] == end:
            return wrong, more
        wrong += -1 if end in cuts else 1
        more += 1


def _cut(text: str, ends: Sequence[int]) -> Iterable[str]:
    start = 0
    for end in ends:
        yield text[start:end]
        start = end
