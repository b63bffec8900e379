"""Frequent words and endings of several morphemes, which may stay one piece: `있다`, `##했다`.

If pieces end where morphemes end, more pieces are needed. Some sequences of morphemes are so frequent that keeping a
few of them whole saves most of these pieces. `tokenizer.prune` decides by the price of a cut which sequences stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tokenizer.prune import Word

LONGEST = 4
"""Morphemes in a sequence."""


def frequent_sequences(words: Iterable[Word], size: int) -> list[str]:
    """Finds the `size` sequences of two to four whole morphemes of a word that contain most cuts, shifted as `words`
    are.

    Deterministic: ties are broken by the text.
    """
    saved: Counter[str] = Counter()
    for word in words:
        for sequence, cuts in _sequences(word):
            saved[sequence] += cuts * word.times
    return sorted(saved, key=lambda sequence: (-saved[sequence], sequence))[:size]


def _sequences(word: Word) -> Iterator[tuple[str, int]]:
    """Yields every sequence with the number of cuts inside it."""
    bounds = [0, *word.cuts, len(word.text)]
    for first, start in enumerate(bounds):
        for last in range(first + 2, min(first + LONGEST, len(bounds) - 1) + 1):
            yield word.text[start : bounds[last]], last - first - 1
