"""Masking (Devlin et al. 2019, section 3.1), vectorised over the batch. Shapes: B rows of L tokens, n selected
tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.generators import LOW, RowGenerator, uniform
from kobert_pipeline.masking.spans import geometric_lengths, ngram_lengths, span_keys
from kobert_pipeline.masking.units import choose_tokens, choose_units, units_of

IGNORE_INDEX = -100
"""Label of a token on which there is no loss."""

TOKENS, SPANS = 1, 2
"""Purposes of random words."""


class Selection(NamedTuple):
    """The selected tokens, in order."""

    positions: np.ndarray
    """(n,) in the rows laid end to end."""
    kind: np.ndarray
    """(n,) in [0, 1): decides what the token becomes. All tokens of a span have the same."""
    choice: np.ndarray
    """(n,) in [0, 1): decides which random token it becomes, if it becomes one."""


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
    """Returns a corrupted copy of `input_ids` (B, L), and labels (B, L): the original token where selected, else
    IGNORE_INDEX.

    `maskable` (B, L) is false on special tokens and padding. `starts` (B, L) is true where an eojeol or morpheme
    begins; it is None for subwords. A random token is drawn from `replacements`, which are neither special nor unused.
    The result of a row depends only on its own tokens and random words, not on other rows or padding.
    """
    selected = _select(maskable, starts, generator, config)
    original = input_ids.ravel()[selected.positions]
    labels = np.full(input_ids.shape, IGNORE_INDEX, dtype=input_ids.dtype)
    labels.ravel()[selected.positions] = original
    to_mask = selected.kind < config.mask_share
    to_random = ~to_mask & (selected.kind < config.mask_share + config.random_share)
    random = replacements[(selected.choice * len(replacements)).astype(np.int64)]
    corrupted = input_ids.copy()
    corrupted.ravel()[selected.positions] = np.where(to_mask, mask_id, np.where(to_random, random, original))
    return corrupted, labels


def _select(
    maskable: np.ndarray, starts: np.ndarray | None, generator: RowGenerator, config: MaskingConfig
) -> Selection:
    words = generator.words(TOKENS, maskable.shape[1])
    budget = budgets(maskable, config)
    if starts is None:
        return _selection(choose_tokens(words, maskable, budget), words, words, config)
    units = units_of(starts, maskable)
    budget = _room_for_one(budget, np.where(units.begins, units.size, maskable.shape[1]).min(axis=1), config)
    if config.unit not in ("span", "ngram"):
        return _selection(choose_units(words, units, maskable, budget), words, words, config)
    span_words = generator.words(SPANS, maskable.shape[1])
    if config.unit == "ngram":
        lengths = ngram_lengths(span_words, config.max_span)
    else:
        lengths = geometric_lengths(span_words, config.span_probability, config.max_span)
    keys = span_keys(units, maskable, words, lengths)
    return _selection(choose_units(keys, units, maskable, budget), keys, span_words, config)


def budgets(maskable: np.ndarray, config: MaskingConfig) -> np.ndarray:
    """(B,) tokens to select: the share, rounded; at least one if the row has one; at most `max_predictions`."""
    available = maskable.sum(axis=1)
    wanted = np.maximum(1, np.rint(config.mlm_probability * available)).astype(np.int64)
    budget: np.ndarray = np.minimum(np.minimum(wanted, available), config.max_predictions or maskable.shape[1])
    return budget


def _room_for_one(budget: np.ndarray, shortest: np.ndarray, config: MaskingConfig) -> np.ndarray:
    """Lets a row whose units are all longer than its budget mask its shortest unit, if `max_predictions` allows."""
    raised = np.maximum(budget, shortest)
    fitting: np.ndarray = np.where(raised <= (config.max_predictions or raised), raised, budget)
    return fitting


def _selection(chosen: np.ndarray, kinds: np.ndarray, choices: np.ndarray, config: MaskingConfig) -> Selection:
    """`kinds` and `choices` are words (B, L). If they are the same words, one half decides both: the position of `kind`
    within the interval for random tokens gives the choice, which is uniform, too."""
    positions = np.flatnonzero(chosen)
    kind = uniform(kinds.ravel()[positions] & LOW)
    if choices is kinds:
        choice = np.clip((kind - config.mask_share) / (config.random_share or 1), 0, 1 - 2.0**-32)
    else:
        choice = uniform(choices.ravel()[positions] >> np.uint64(32))
    return Selection(positions, kind, choice)


def slots(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns positions and labels (B, count) of the selected tokens, for losses of fixed shape. Empty slots have
    position 0 and label IGNORE_INDEX."""
    rows, columns = np.nonzero(labels != IGNORE_INDEX)
    numbers = np.arange(len(rows)) - np.searchsorted(rows, rows)
    positions, slot_labels = (
        np.zeros((len(labels), count), np.int64),
        np.full((len(labels), count), IGNORE_INDEX, np.int64),
    )
    positions[rows, numbers] = columns
    slot_labels[rows, numbers] = labels[rows, columns]
    return positions, slot_labels
