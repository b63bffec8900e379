"""Pseudo-perplexity (Salazar et al. 2020, section 2.3): how surprised a masked model is by each token of a sentence.

Shapes: a sentence of n tokens is scored in n rows of n + 2.

Pseudo-perplexity compares models that share a tokenizer. Bits per character compare across tokenizers. A masked model sees both sides of
a token, so its bits are lower than those of a model that writes, and the two do not compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.store import VALIDATION, Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.masked import HEADLINE, token_terms
from kobert_pipeline.objectives.objective import Batch, Figure, Learners, Measure, TokenizerInfo

if TYPE_CHECKING:
    import torch

CHARACTERS = "characters"
LONGEST = 64
"""Tokens of a scored sentence with [CLS] and [SEP], at most: a sentence of n tokens costs n rows of n + 2."""


def masked_sentences(store: Store, number: int, max_length: int, info: TokenizerInfo) -> list[Batch]:
    """One batch per sentence, see `masked_copies`. At most `number` validation sentences, the same for every run."""
    longest = min(LONGEST, max_length) - 2
    return [masked_copies(tokens, info) for tokens in sample_sentences(store, number, longest)]


def sample_sentences(store: Store, number: int, longest: int) -> list[np.ndarray]:
    """At most `number` validation sentences of 2 to `longest` tokens, always the same ones: (n,) tokens each."""
    rng, drawn = np.random.default_rng(0), []
    for files in store.blocks(VALIDATION) if number else ():
        block = store.read(files)
        sizes = np.diff(block.sentence_offsets)
        fitting = rng.permutation(np.flatnonzero((sizes >= 2) & (sizes <= longest)))[:number]
        drawn += [block.tokens[slice(*block.sentence_offsets[place : place + 2])] for place in fitting]
    return [drawn[place] for place in rng.permutation(len(drawn))[:number]]


def masked_copies(tokens: np.ndarray, info: TokenizerInfo) -> Batch:
    """A sentence once for each of its n tokens, which is masked in that row alone: (n, n + 2). `characters` are those that the token
    spells, with a space before each word."""
    import torch

    count = len(tokens)
    row = np.concatenate([[info.cls_id], tokens, [info.sep_id]]).astype(np.int64)
    input_ids, labels = np.tile(row, (count, 1)), np.full((count, count + 2), IGNORE_INDEX)
    places = np.arange(count)
    input_ids[places, places + 1], labels[places, places + 1] = info.mask_id, tokens
    arrays = {
        "input_ids": input_ids,
        "labels": labels,
        CHARACTERS: np.where(labels == IGNORE_INDEX, 0, info.characters[tokens][:, None]),
        "attention_mask": np.ones_like(input_ids, dtype=bool),
        "token_type_ids": np.zeros_like(input_ids),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def pseudo_likelihood(models: Learners, sentences: Sequence[Batch], device: torch.device) -> tuple[float, float]:
    """From the sum over all tokens of -log P(token | the rest of its sentence): exp of the mean by token, and bits by character.

    `sentences` are batches of `masked_copies`.
    """
    import torch

    total, count, characters = 0.0, 0, 0
    with torch.no_grad():
        for sentence in sentences:
            batch = {name: tensor.to(device) for name, tensor in sentence.items()}
            hidden = models.student.hidden(batch)
            total += float(token_terms(models.student, hidden, batch)[HEADLINE].sum)
            count += len(batch["input_ids"])
            characters += int(sentence[CHARACTERS].sum())
    return math.exp(total / count), total / math.log(2) / max(1, characters)


PSEUDO_PERPLEXITY = Measure(
    (
        Figure("pseudo_perplexity", "Pseudo-perplexity", better=-1),
        Figure("pseudo_bits_per_character", "Pseudo-bits per character", "bits", better=-1),
    ),
    masked_sentences,
    pseudo_likelihood,
)
