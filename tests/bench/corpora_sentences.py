"""Part of `make bench-corpora`: the three figures by which kss and Kiwi compare splitters.

Each sentence of the test set is compared with the found sentence that overlaps it most; a found sentence counts once. *EM* is the share of
sentences that were found exactly, *F1* the mean share of characters in common (Dice), *NF1* the same, lowered for a text that was
split into too many sentences (by expected / found).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from statistics import fmean

Span = tuple[int, int]


def three_figures(split: Callable[[str], list[str]], blocks: Sequence[Sequence[str]]) -> dict[str, float]:
    """EM, F1 and NF1 over all sentences of the blocks, which the splitter gets joined by spaces."""
    rows = [row for block in blocks for row in _scores(block, split(" ".join(block)))]
    return {name: fmean(column) for name, column in zip(("EM", "F1", "NF1"), zip(*rows, strict=True), strict=True)}


def _scores(expected: Sequence[str], found: Sequence[str]) -> Iterator[tuple[float, float, float]]:
    given = spans(found)
    penalty = min(1.0, len(expected) / max(1, len(found)))
    best = matched(spans(expected), given)
    for number, span in enumerate(spans(expected)):
        share = best.get(number, 0.0)
        yield float(span in given), share, share * penalty


def spans(sentences: Sequence[str]) -> list[Span]:
    """Begin and end of each sentence, in characters other than spaces."""
    ends = accumulate((len("".join(sentence.split())) for sentence in sentences), initial=0)
    return list(pairwise(ends))


def matched(expected: Sequence[Span], found: Sequence[Span]) -> dict[int, float]:
    """Number of an expected span -> Dice with the span that was found for it, the most similar pairs first."""
    pairs = sorted(
        (
            (2 * overlap / (end - begin + right - left), number, other)
            for number, (begin, end) in enumerate(expected)
            for other, (left, right) in enumerate(found)
            if (overlap := min(end, right) - max(begin, left)) > 0
        ),
        reverse=True,
    )
    best: dict[int, float] = {}
    taken: set[int] = set()
    for share, number, other in pairs:
        if number not in best and other not in taken:
            best[number] = share
            taken.add(other)
    return best
