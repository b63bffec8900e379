"""Spans of whole units (SpanBERT, Joshi et al. 2020, section 3.1), vectorised over the batch.

Shapes: B rows of L tokens, at most U units per row.
"""

from __future__ import annotations

import numpy as np

from kobert_pipeline.masking.generators import LOW, uniform
from kobert_pipeline.masking.units import Units

NEVER = np.uint64(2**64 - 1)


def span_keys(units: Units, maskable: np.ndarray, order: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(B, L) uint64: for each token, the word of the first span that covers its unit. Smaller words come first.

    The paper draws one span after the other, and draws again if a span would begin inside an earlier one. Here every
    unit begins a span: its random word in `order` (B, L) gives the span's place in the order, `lengths` (B, L) its
    number of units. A span whose first unit is covered by an earlier span is dropped, so lengths keep their
    distribution; a span may run into a later one. No span crosses a special token. One word decides both the order
    (high half) and what is done to the whole span (low half).
    """
    number = np.maximum(np.cumsum(units.begins, axis=1) - 1, 0)
    broken = units.begins & ~np.pad(maskable, ((0, 0), (1, 0)))[:, :-1]
    segment = _by_unit(np.cumsum(broken, axis=1), units, number, fill=-1)
    words, reach = _by_unit(order, units, number, fill=NEVER), _by_unit(lengths, units, number, fill=0)
    earlier = _first_to_cover(words, reach, segment, nearest=1)
    covered = _first_to_cover(np.where(words < earlier, words, NEVER), reach, segment, nearest=0)
    keys: np.ndarray = np.take_along_axis(covered, number, axis=1)
    return keys


def _by_unit(values: np.ndarray, units: Units, number: np.ndarray, fill: object) -> np.ndarray:
    """Gathers (B, L) values at the first tokens of units into (B, U)."""
    gathered = np.full((len(values), int(number.max()) + 1), fill, dtype=values.dtype)
    rows, positions = np.nonzero(units.begins)
    gathered[rows, number[rows, positions]] = values[rows, positions]
    return gathered


def _first_to_cover(words: np.ndarray, reach: np.ndarray, segment: np.ndarray, *, nearest: int) -> np.ndarray:
    """(B, U): the smallest word among the spans that begin `nearest` or more units before and cover the unit."""
    smallest, width = np.full_like(words, NEVER), words.shape[1]
    for distance in range(nearest, min(int(reach.max(initial=0)), width)):
        stop = width - distance
        covers = (reach[:, :stop] > distance) & (segment[:, :stop] == segment[:, distance:])
        np.minimum(smallest[:, distance:], np.where(covers, words[:, :stop], NEVER), out=smallest[:, distance:])
    return smallest


def geometric_lengths(words: np.ndarray, probability: float, longest: int) -> np.ndarray:
    """Draws lengths from 1 to `longest` by the low halves of words. They are geometric without the tail beyond
    `longest` (a mean of 3.8 for the paper's .2 and 10)."""
    return _drawn_lengths(words, probability * (1 - probability) ** np.arange(longest))


def ngram_lengths(words: np.ndarray, longest: int) -> np.ndarray:
    """Draws lengths from 1 to `longest`, n with a probability proportional to 1 / n (Lan et al. 2020, section 4.1)."""
    return _drawn_lengths(words, 1 / np.arange(1, longest + 1))


def _drawn_lengths(words: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Lengths from 1 on, by their weights and the low halves of words."""
    bounds = np.cumsum(weights) / weights.sum()
    return np.searchsorted(bounds[:-1], uniform(words & LOW), side="right") + 1
