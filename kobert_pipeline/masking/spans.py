"""Spans of whole units (SpanBERT, Joshi et al. 2020, section 3.1), vectorised over the batch.

Shapes: B rows of L pieces, at most U units a row.
"""

from __future__ import annotations

import numpy as np

from kobert_pipeline.masking.generators import LOW, uniform
from kobert_pipeline.masking.units import Units

NEVER = np.uint64(2**64 - 1)


def span_keys(units: Units, maskable: np.ndarray, order: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(B, L) uint64: for each piece, the word of the span that covers its unit first; smaller words come first.

    The paper draws one span after the other, and draws again where a span would begin inside an earlier one. Here every
    unit has a span: its word (B, L), random, says when its turn would come, `lengths` (B, L) how many units it has. One
    that an earlier span reaches is left out, so lengths keep their law; a span may run into a later one. No span crosses a
    special token. One word decides the order (high half) and what is done to the whole span (low half).
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
    """(B, L) at the units' first pieces -> (B, U)."""
    gathered = np.full((len(values), int(number.max()) + 1), fill, dtype=values.dtype)
    rows, positions = np.nonzero(units.begins)
    gathered[rows, number[rows, positions]] = values[rows, positions]
    return gathered


def _first_to_cover(words: np.ndarray, reach: np.ndarray, segment: np.ndarray, *, nearest: int) -> np.ndarray:
    """(B, U): the smallest word among the spans that begin `nearest` or more units before and cover the unit."""
    found, width = np.full_like(words, NEVER), words.shape[1]
    for distance in range(nearest, min(int(reach.max(initial=0)), width)):
        stop = width - distance
        covers = (reach[:, :stop] > distance) & (segment[:, :stop] == segment[:, distance:])
        np.minimum(found[:, distance:], np.where(covers, words[:, :stop], NEVER), out=found[:, distance:])
    return found


def geometric_lengths(words: np.ndarray, probability: float, longest: int) -> np.ndarray:
    """Lengths 1 … `longest` by the low halves of words: geometric, the tail beyond `longest` left out (a mean of 3.8 for
    the paper's .2 and 10)."""
    weights = probability * (1 - probability) ** np.arange(longest)
    bounds = np.cumsum(weights) / weights.sum()
    return np.searchsorted(bounds[:-1], uniform(words & LOW), side="right") + 1
