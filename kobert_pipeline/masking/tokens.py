"""Masking (Devlin et al. 2019, section 3.1), vectorised over the batch. Shapes: B rows of L pieces, n selected pieces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.generators import LOW, RowGenerator, uniform
from kobert_pipeline.masking.spans import geometric_lengths, span_keys
from kobert_pipeline.masking.units import choose_pieces, choose_units, units_of

IGNORE_INDEX = -100
"""Label of a piece on which there is no loss."""

PIECES, SPANS = 1, 2
"""What random words are for."""


class Selection(NamedTuple):
    """Where the selected pieces stand in the rows laid end to end, in order, and two random numbers in [0, 1) for each: (n,)."""

    places: np.ndarray
    kind: np.ndarray
    """Decides what becomes of the piece: the same for all pieces of a span."""
    choice: np.ndarray
    """Which random piece it becomes, if so it shall."""


def mask_tokens(
    input_ids: np.ndarray,
    maskable: np.ndarray,
    starts: np.ndarray | None,
    generator: RowGenerator,
    config: MaskingConfig,
    *,
    mask_id: int,
    replacements: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Corrupted copy of `input_ids` (B, L) and labels (B, L): the original piece where selected, else IGNORE_INDEX.

    `maskable` (B, L) is false on special tokens and padding; `starts` (B, L) is true where an eojeol or morpheme begins,
    and None for subwords. `replacements` are the pieces a random one is drawn from: neither special nor unused. A row's
    result depends on its own pieces and random words alone, not on other rows or padding.
    """
    chosen = _select(maskable, starts, generator, config)
    original = input_ids.ravel()[chosen.places]
    labels = np.full(input_ids.shape, IGNORE_INDEX, dtype=input_ids.dtype)
    labels.ravel()[chosen.places] = original
    to_mask = chosen.kind < config.mask_share
    to_random = ~to_mask & (chosen.kind < config.mask_share + config.random_share)
    random = replacements[(chosen.choice * len(replacements)).astype(np.int64)]
    corrupted = input_ids.copy()
    corrupted.ravel()[chosen.places] = np.where(to_mask, mask_id, np.where(to_random, random, original))
    return corrupted, labels


def _select(
    maskable: np.ndarray, starts: np.ndarray | None, generator: RowGenerator, config: MaskingConfig
) -> Selection:
    words = generator.words(PIECES, maskable.shape[1])
    budget = budgets(maskable, config)
    if starts is None:
        return _selection(choose_pieces(words, maskable, budget), words, words, config)
    units = units_of(starts, maskable)
    budget = _room_for_one(budget, np.where(units.begins, units.size, maskable.shape[1]).min(axis=1), config)
    if config.unit != "span":
        return _selection(choose_units(words, units, maskable, budget), words, words, config)
    others = generator.words(SPANS, maskable.shape[1])
    lengths = geometric_lengths(others, config.span_probability, config.max_span)
    keys = span_keys(units, maskable, words, lengths)
    return _selection(choose_units(keys, units, maskable, budget), keys, others, config)


def budgets(maskable: np.ndarray, config: MaskingConfig) -> np.ndarray:
    """(B,) pieces to select: the share, rounded; at least one where there is one; at most `max_predictions`."""
    available = maskable.sum(axis=1)
    wanted = np.maximum(1, np.rint(config.mlm_probability * available)).astype(np.int64)
    budget: np.ndarray = np.minimum(np.minimum(wanted, available), config.max_predictions or maskable.shape[1])
    return budget


def _room_for_one(budget: np.ndarray, shortest: np.ndarray, config: MaskingConfig) -> np.ndarray:
    """A row whose every unit is longer than its budget masks its shortest one, where `max_predictions` allows."""
    raised = np.maximum(budget, shortest)
    fitting: np.ndarray = np.where(raised <= (config.max_predictions or raised), raised, budget)
    return fitting


def _selection(chosen: np.ndarray, kinds: np.ndarray, choices: np.ndarray, config: MaskingConfig) -> Selection:
    """`kinds` and `choices`: words (B, L) whose low halves decide. Where they are the same words, the choice is made by
    where in its own stretch the kind fell, which is as random."""
    places = np.flatnonzero(chosen)
    kind = uniform(kinds.ravel()[places] & LOW)
    if choices is kinds:
        choice = np.clip((kind - config.mask_share) / (config.random_share or 1), 0, 1 - 2.0**-32)
    else:
        choice = uniform(choices.ravel()[places] >> np.uint64(32))
    return Selection(places, kind, choice)


def slots(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and labels (B, count) of the selected pieces, for losses of fixed shape; empty slots have position 0 and
    label IGNORE_INDEX."""
    rows, positions = np.nonzero(labels != IGNORE_INDEX)
    numbers = np.arange(len(rows)) - np.searchsorted(rows, rows)
    places, pieces = np.zeros((len(labels), count), np.int64), np.full((len(labels), count), IGNORE_INDEX, np.int64)
    places[rows, numbers] = positions
    pieces[rows, numbers] = labels[rows, positions]
    return places, pieces
