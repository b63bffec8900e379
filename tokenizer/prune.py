"""Chooses which pieces stay, by their effect on text that WordPiece cuts greedily.

Merging learns more pieces than asked for. Many are steps on the way to longer ones, and some match in the wrong place:
longest match first finds `나는` in `나는` (나+는) because it became a piece for `날+는`. Here every piece is removed in turn on
a sample of words whose morphemes are known. Its loss is the number of wrong cuts, extra or missing, without it, minus
the number with it; in addition every cut has a price, right or wrong. Pieces with the smallest loss are removed,
harmful ones (with a negative loss) first. Because the pieces that remain take over, losses are counted again after each
of several rounds. (Pruning by loss is how Kudo 2018 finds a unigram vocabulary. Here the loss is that of greedy
matching against morphemes, and the price is the Lagrange multiplier of a limit on pieces per word.)
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
    """Turns counted words with their separators (see `tokenizer.words.count_words`) into `Word`s, in a fixed order."""
    return [
        Word(shifted(word.replace(SEPARATOR, ""), initial=True), _boundaries(word), count)
        for word, count in sorted(counts.items())
        if max(word) < "\U00020000"
    ]


def _boundaries(word: str) -> tuple[int, ...]:
    return tuple(accumulate(len(morpheme) for morpheme in word.split(SEPARATOR)[:-1]))


def knock_out(pieces: Iterable[str], words: Sequence[Word], size: int, cut_price: float = 0) -> list[str]:
    """Keeps the `size` pieces whose cuts of `words` agree best with morphemes, in the order given. Single characters
    all stay. A cut costs `cut_price`, a wrong one 1 more.

    Deterministic: on equal losses, pieces that come later in the order are removed first.
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
        removed = set(order[: -(-surplus // left)])
        vocabulary = _Vocabulary(vocabulary.pieces - removed)
        for number, word in enumerate(words):
            if not removed.isdisjoint(_cut(word.text, ends[number])):
                ends[number] = vocabulary.ends(word.text)
    return sorted(vocabulary.pieces, key=rank.__getitem__)


class _Vocabulary:
    """Matches greedily, longest first, over a set of pieces. A character without a piece counts as one piece."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.pieces = set(pieces)
        self.longest: dict[str, int] = defaultdict(lambda: 1)
        for piece in self.pieces:
            self.longest[piece[0]] = max(self.longest[piece[0]], len(piece))

    def ends(self, text: str) -> list[int]:
        """Where each piece of a word ends."""
        ends, start = [], 0
        while start < len(text):
            start = self.next_end(text, start, "")
            ends.append(start)
        return ends

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
    """Piece -> the cost of the cuts of `words` without it, minus the cost with it. Pieces that are never used have
    0."""
    loss: dict[str, float] = defaultdict(float)
    for word, ends_of_word in zip(words, ends, strict=True):
        start = 0
        for number, end in enumerate(ends_of_word):
            if end - start > 1:
                wrong, more = _change(vocabulary, word, ends_of_word, number, start)
                loss[word.text[start:end]] += word.times * (wrong + cut_price * more)
            start = end
    return loss


def _change(vocabulary: _Vocabulary, word: Word, ends: Sequence[int], number: int, start: int) -> tuple[int, int]:
    """How many more wrong cuts, and how many more cuts, there would be without the piece from `start` to
    `ends[number]`. Compares up to the place where both ways of cutting meet again."""
    text, cuts = word.text, word.cuts
    without, end, wrong, more = text[start : ends[number]], start, 0, 0
    old = number
    while True:
        end = vocabulary.next_end(text, end, without)
        while ends[old] < end:
            wrong -= -1 if ends[old] in cuts else 1
            more -= 1
            old += 1
        if ends[old] == end:
            return wrong, more
        wrong += -1 if end in cuts else 1
        more += 1


def _cut(text: str, ends: Sequence[int]) -> Iterable[str]:
    start = 0
    for end in ends:
        yield text[start:end]
        start = end
