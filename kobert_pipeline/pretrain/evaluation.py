"""What a run is measured on: validation batches for its own terms, and validation sentences for their pseudo-perplexity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from kobert_pipeline.architectures.padding import look_for_padding
from kobert_pipeline.dataset.store import VALIDATION, Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.masked import token_terms
from kobert_pipeline.objectives.objective import Batch, Learner, Objective, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import validation_batches

LONGEST = 64
"""Pieces of a scored sentence with [CLS] and [SEP], at most: a sentence of n pieces costs n rows of n + 2."""


@dataclass(frozen=True)
class ValidationData:
    """Text that training never sees, the same for every seed."""

    batches: list[Batch]
    sentences: list[Batch]
    """For pseudo-perplexity: one batch a sentence, see `masked_copies`."""

    @property
    def cost_of_sentences(self) -> float:
        """Of scoring them all, in measurements on the batches: about as many times as they hold more positions."""
        scored, measured = (
            sum(batch["input_ids"].numel() for batch in batches) for batches in (self.sentences, self.batches)
        )
        return scored / max(1, measured)

    @classmethod
    def of(cls, store: Store, objective: Objective, config: PretrainConfig, info: TokenizerInfo) -> Self:
        number = config.pseudo_perplexity_sentences if "tokens" in objective.heads else 0
        longest = min(LONGEST, config.phases[0].max_length)
        sentences = [masked_copies(pieces, info) for pieces in sample_sentences(store, number, longest - 2)]
        return cls(validation_batches(store, objective, config, info), sentences)


def sample_sentences(store: Store, number: int, longest: int) -> list[np.ndarray]:
    """At most `number` validation sentences of 2 to `longest` pieces, drawn always alike: (n,) pieces each."""
    rng, found = np.random.default_rng(0), []
    for files in store.blocks(VALIDATION) if number else ():
        block = store.read(files)
        sizes = np.diff(block.sentence_offsets)
        fitting = rng.permutation(np.flatnonzero((sizes >= 2) & (sizes <= longest)))[:number]
        found += [block.tokens[slice(*block.sentence_offsets[place : place + 2])] for place in fitting]
    return [found[place] for place in rng.permutation(len(found))[:number]]


def masked_copies(pieces: np.ndarray, info: TokenizerInfo) -> Batch:
    """A sentence once for each of its n pieces, which is masked in that row alone: (n, n + 2)."""
    count = len(pieces)
    row = np.concatenate([[info.cls_id], pieces, [info.sep_id]]).astype(np.int64)
    input_ids, labels = np.tile(row, (count, 1)), np.full((count, count + 2), IGNORE_INDEX)
    places = np.arange(count)
    input_ids[places, places + 1], labels[places, places + 1] = info.mask_id, pieces
    arrays = {
        "input_ids": input_ids,
        "labels": labels,
        "attention_mask": np.ones_like(input_ids, dtype=bool),
        "token_type_ids": np.zeros_like(input_ids),
    }
    return look_for_padding({name: torch.from_numpy(array) for name, array in arrays.items()})


@torch.no_grad()
def pseudo_perplexity(model: Learner, sentences: Sequence[Batch], device: torch.device) -> float:
    """exp of the mean over all pieces of -log P(piece | the rest of its sentence) (Salazar et al. 2020, section 2.3).

    `sentences` are batches of `masked_copies`. Comparable only between models of the same tokenizer.
    """
    total, count = 0.0, 0
    for sentence in sentences:
        batch = {name: tensor.to(device) for name, tensor in sentence.items()}
        total += float(token_terms(model, model.hidden(batch), batch)["mlm"].sum)
        count += len(batch["input_ids"])
    return math.exp(total / count)
