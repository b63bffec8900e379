"""What validation figures are worth: how much they are measured on, and whether training has seen it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Block, Store
from kobert_pipeline.ground.contents.pretrained_run import MeasuredOn
from kobert_pipeline.objectives.objective import Batch, Objective
from kobert_pipeline.pretrain.alarms import LONG_SENTENCE

logger = logging.getLogger(__name__)

MOST_BLOCKS = 16
"""Blocks of the training split, each a sample of all of it, in which sentences of the validation split are looked for."""


def measured_on(store: Store, objective: Objective, batches: Sequence[Batch]) -> MeasuredOn:
    """Counts what the headline is measured on. Warns if it is too little, or if training has seen it."""
    targets = sum(int(objective.counts(batch)[objective.headline].sum()) for batch in batches)
    found = MeasuredOn(targets, store.summary.validation.documents, round(shared_share(store), 4))
    if not found.is_enough:
        logger.warning(
            "pretrain: validation is %s. Add text, or raise dataset.validation_share", found.spoken(objective.use)
        )
    if found.was_seen:
        logger.warning(
            "pretrain: %.0f%% of the validation sentences are in the training text, too: validation figures are too good. Look "
            "at `corpora.deduplicate`",
            100 * found.shared,
        )
    return found


def shared_share(store: Store) -> float:
    """The share of the long validation sentences that occur in the training text, or in a sample of it."""
    validation = [content for block in _some(store, VALIDATION) for content in _long_sentences(block)]
    wanted = set(validation)
    seen = {content for block in _some(store, TRAIN) for content in _long_sentences(block) if content in wanted}
    return sum(content in seen for content in validation) / max(1, len(validation))


def _some(store: Store, split: str) -> Iterator[Block]:
    yield from map(store.read, store.blocks(split)[:MOST_BLOCKS])


def _long_sentences(block: Block) -> Iterator[bytes]:
    for start, end in pairwise(block.sentence_offsets.tolist()):
        if end - start >= LONG_SENTENCE:
            yield block.tokens[start:end].tobytes()
