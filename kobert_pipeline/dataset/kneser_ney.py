"""A 5-gram with modified Kneser-Ney smoothing (Chen and Goodman 1999, section 3), interpolated, over token ids.

The probability of a token depends on its last four predecessors. The tokens before the first one of a text count as absent: an
n-gram that reaches beyond the beginning does not exist, and one that begins with the first token of a text keeps its own count
(Heafield et al. 2013, section 3.2). Only what the asked n-grams need is kept, so that memory does not grow with the number of n-grams.

Shapes: N tokens, E events (a token with its predecessors), Q of them asked about, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

ORDER = 5
ABSENT = -1
EVENTS_PER_PART = 4_000_000
"""Events that are counted at once: about 1 GB."""
NO_COUNTS = (0.5, 1.0, 1.5)
"""Discounts where a text is too small to estimate them, as in KenLM's `--discount_fallback`."""


class Sequences(NamedTuple):
    """Texts end to end. The first token of each is given, the others are predicted."""

    tokens: np.ndarray
    """(N,)"""
    places: np.ndarray
    """(N,) place of each token in its text, from 0."""

    @classmethod
    def of(cls, tokens: np.ndarray, lengths: np.ndarray) -> Self:
        starts = np.cumsum(lengths) - lengths
        return cls(tokens, (np.arange(len(tokens)) - np.repeat(starts, lengths)).astype(np.int32))

    def events(self, chosen: np.ndarray) -> np.ndarray:
        """(E, ORDER): the tokens at the `chosen` (E,) places, and before them, the nearest first; ABSENT before the text."""
        events = np.full((len(chosen), ORDER), ABSENT, dtype=np.int64)
        for back in range(ORDER):
            exists = self.places[chosen] >= back
            events[exists, back] = self.tokens[chosen[exists] - back]
        return events


class _Found(NamedTuple):
    """What the asked events need to know of one order, each (Q,): of the n-gram its own count, of its context the sum of all counts
    and the number of tokens that follow once, twice and more often. All are 0 if the context does not exist."""

    own: np.ndarray
    total: np.ndarray
    once: np.ndarray
    twice: np.ndarray
    more: np.ndarray


def log2_probabilities(training: Sequences, asked: Sequences, vocab_size: int, predictable: int) -> np.ndarray:
    """(Q,) bits (negative) of every token of `asked` but the first of each text. `predictable`: the number of tokens that may
    come, over which the last of the probability is spread evenly."""
    queries = asked.events(np.flatnonzero(asked.places > 0))
    found = [_Found(*np.zeros((5, len(queries)))) for _ in range(ORDER + 1)]
    frequencies = np.zeros((ORDER + 1, 5), dtype=np.int64)
    continuations = np.zeros(vocab_size, dtype=np.int64)
    for chosen, places in _parts(training, queries[:, 1], vocab_size):
        part = _Part(training.events(places), queries[chosen], vocab_size)
        continuations += part.continuations
        for order in range(2, ORDER + 1):
            frequencies[order] += part.frequencies(order)
            for whole, values in zip(found[order], part.found(order), strict=True):
                whole[chosen] = values
    frequencies[1] = _frequencies(continuations)
    found[1] = _unigrams(continuations, queries[:, 0])
    probabilities = np.full(len(queries), 1 / predictable)
    for order in range(1, ORDER + 1):
        probabilities = _interpolated(found[order], discounts(frequencies[order]), probabilities)
    bits: np.ndarray = np.log2(probabilities)
    return bits


def discounts(frequencies: np.ndarray) -> np.ndarray:
    """(4,) what is taken from counts of 0, 1, 2, and 3 or more. `frequencies[c]`: number of n-grams with count c, 1 to 4."""
    one, two = frequencies[1], frequencies[2]
    found = np.zeros(4)
    for count, fallback in enumerate(NO_COUNTS, start=1):
        if frequencies[count] and one:
            found[count] = count - (count + 1) * one / (one + 2 * two) * frequencies[count + 1] / frequencies[count]
        if not 0 < found[count] <= count:
            found[count] = fallback
    return found


def _interpolated(found: _Found, discount: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Chen and Goodman 1999, equation 19. What does not exist at this order has the probability of the lower one."""
    exists = found.total > 0
    total = np.where(exists, found.total, 1.0)
    taken = discount[np.minimum(found.own, 3).astype(np.int64)]
    given = discount[1] * found.once + discount[2] * found.twice + discount[3] * found.more
    return np.where(exists, (found.own - taken + given * lower) / total, lower)


def _parts(training: Sequences, before: np.ndarray, vocab_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The asked events and the training places of each part. All events after the same token are in one part: n-grams of two
    tokens or more, and their contexts, are never divided. `before` (Q,): the token before each asked one."""
    after = np.flatnonzero(training.places > 0)
    previous = training.tokens[after - 1]
    sums = np.cumsum(np.bincount(previous, minlength=vocab_size))
    number = (sums - 1) // EVENTS_PER_PART
    for part in np.unique(number[previous]):
        yield np.flatnonzero(number[before] == part), after[number[previous] == part]


class _Part:
    """The n-grams of all events after some tokens: those of training come first, then those that are asked about."""

    def __init__(self, training: np.ndarray, queries: np.ndarray, vocab_size: int) -> None:
        words = np.concatenate([training, queries])
        self.training, self.vocab_size = len(training), vocab_size
        self.words = words[: self.training, 0]
        grams, contexts = words[:, 0], np.zeros(len(words), dtype=np.int64)
        self._levels: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for order in range(2, ORDER + 1):
            grams = _numbered(grams, words[:, order - 1], vocab_size)
            contexts = _numbered(contexts, words[:, order - 1], vocab_size)
            self._levels[order] = grams, contexts, words[:, order - 1] != ABSENT
        self._counts = {order: self._count(order) for order in range(2, ORDER + 1)}

    def _types(self, order: int) -> np.ndarray:
        """The first training event of each n-gram that exists."""
        grams, _, exists = self._levels[order]
        places = np.flatnonzero(exists[: self.training])
        return places[np.unique(grams[places], return_index=True)[1]]

    def _count(self, order: int) -> np.ndarray:
        """By number of the n-gram: how many tokens precede it; its own count at the highest order, and at the beginning of a
        text, where nothing precedes it."""
        grams, _, exists = self._levels[order]
        occurs = exists[: self.training]
        size = int(grams.max(initial=-1)) + 1
        if order == ORDER:
            return np.bincount(grams[: self.training][occurs], minlength=size)
        begins = occurs & ~self._levels[order + 1][2][: self.training]
        own = np.bincount(grams[: self.training][begins], minlength=size)
        return own + np.bincount(grams[self._types(order + 1)], minlength=size)

    @property
    def continuations(self) -> np.ndarray:
        """(V,) how many different tokens of this part precede each token."""
        return np.bincount(self.words[self._types(2)], minlength=self.vocab_size)

    def frequencies(self, order: int) -> np.ndarray:
        return _frequencies(self._counts[order])

    def found(self, order: int) -> _Found:
        grams, contexts, exists = self._levels[order]
        types = self._types(order)
        counts, owners = self._counts[order][grams[types]], contexts[types]
        asked, known = contexts[self.training :], exists[self.training :]
        size = int(contexts.max(initial=-1)) + 1

        def of_context(weights: np.ndarray) -> np.ndarray:
            values: np.ndarray = np.bincount(owners, weights, minlength=size)[asked] * known
            return values

        count = self._counts[order][grams[self.training :]] * known
        kinds = (of_context(kind) for kind in (counts, counts == 1, counts == 2, counts > 2))
        return _Found(count.astype(float), *kinds)


def _numbered(grams: np.ndarray, before: np.ndarray, vocab_size: int) -> np.ndarray:
    """Numbers the n-grams that are one token longer, from 0."""
    numbers: np.ndarray = np.unique(grams * (vocab_size + 1) + (before + 1), return_inverse=True)[1]
    return numbers


def _frequencies(counts: np.ndarray) -> np.ndarray:
    """(5,) how many n-grams have each count from 0 to 4."""
    return np.bincount(counts[counts < 5], minlength=5)


def _unigrams(continuations: np.ndarray, words: np.ndarray) -> _Found:
    sizes = [continuations.sum(), *((continuations == kind).sum() for kind in (1, 2)), (continuations > 2).sum()]
    return _Found(continuations[words].astype(float), *(np.full(len(words), float(size)) for size in sizes))
