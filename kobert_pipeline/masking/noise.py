"""What is taken out of a text, and where: lengths and places of spans, and orders of sentences. One text at a time.

A text of n tokens is written as its places 0 … n - 1; noise gives places back: fewer, in another order, or -1 for a mask that
stands for a span. Shapes: k spans, m places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Random = np.random.Generator
MASK = -1
"""In the place of a span that was taken out."""


class Spans(NamedTuple):
    starts: np.ndarray
    """(k,) the place of the first token, in reading order. Between two spans there is at least one token."""
    lengths: np.ndarray
    """(k,) tokens; 0 where something is inserted and nothing is taken out."""


def share_of(size: int, share: float) -> int:
    """That share of `size` tokens, rounded; at least one if the share is not 0."""
    return min(size, max(1, round(size * share))) if share else 0


def poisson_lengths(total: int, mean: float, rng: Random) -> np.ndarray:
    """Poisson lengths with the sum `total`, the last one shortened to that (Lewis et al. 2020, section 2.2: text infilling).

    Lengths of 0 are among them. There are at most `total` lengths, so a text with a mask for each is not longer than before.
    """
    if not total:
        return np.zeros(0, dtype=np.int64)
    drawn = rng.poisson(mean, size=16 + round(4 * total / min(mean, 1)))
    sums = np.cumsum(drawn)
    count = min(int(np.searchsorted(sums, total)) + 1, len(drawn))
    lengths = drawn[:count].astype(np.int64)
    lengths[-1] += total - sums[count - 1]
    inserted = lengths == 0
    spare = total - np.count_nonzero(lengths)
    kept: np.ndarray = lengths[~inserted | (np.cumsum(inserted) <= spare)]
    return kept


def parts_of(total: int, count: int, rng: Random) -> np.ndarray:
    """(count,) lengths of 1 or more with the sum `total`; each division is as likely as any other."""
    cuts = np.sort(rng.choice(total - 1, count - 1, replace=False)) + 1
    return np.diff(cuts, prepend=0, append=total)


def scattered(lengths: np.ndarray, size: int, rng: Random) -> Spans:
    """Spans of these lengths at random in a text of `size` tokens, the first and the last token as likely as any other.

    Spans that do not all have a token between them are joined.
    """
    kept = size - int(lengths.sum())
    if len(lengths) > kept + 1:
        firsts = np.arange(kept + 1) * len(lengths) // (kept + 1)
        lengths = np.add.reduceat(lengths, firsts)
    before = np.sort(rng.choice(kept + 1, len(lengths), replace=False))
    return Spans(before + np.cumsum(lengths) - lengths, lengths)


def kept_around(size: int, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """The places that are in no span, and (k,) how many of them come before each span."""
    borders = np.zeros(size + 1, dtype=np.int64)
    np.add.at(borders, spans.starts, 1)
    np.add.at(borders, spans.starts + spans.lengths, -1)
    kept = np.flatnonzero(np.cumsum(borders[:-1]) == 0)
    return kept, np.searchsorted(kept, spans.starts)


def masked(places: np.ndarray, spans: Spans) -> np.ndarray:
    """(m,) the places with MASK instead of each span."""
    kept, before = kept_around(len(places), spans)
    return np.insert(places[kept], before, MASK)


def reordered(starts: np.ndarray, size: int, share: float, rng: Random) -> np.ndarray:
    """(size,) the places of a text in which that share of its sentences have changed places at random among each other.

    `starts`: the place of the first token of each sentence.
    """
    sentences = np.split(np.arange(size), starts[1:])
    moving = np.sort(rng.choice(len(sentences), round(len(sentences) * share), replace=False))
    order = np.arange(len(sentences))
    order[moving] = rng.permutation(moving)
    return np.concatenate([sentences[number] for number in order])


def thinned(places: np.ndarray, count: int, rng: Random) -> np.ndarray:
    """(m,) the places without `count` of them, chosen at random."""
    kept: np.ndarray = np.delete(places, rng.choice(len(places), min(count, len(places)), replace=False))
    return kept


def rotated(places: np.ndarray, rng: Random) -> np.ndarray:
    """(m,) the places from a random one on, and then those before it."""
    return np.roll(places, -int(rng.integers(len(places)))) if len(places) else places
