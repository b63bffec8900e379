"""Causal language modelling: each token of a document, and its end, from what comes before it.

Shapes: B windows of L tokens, H hidden size, V vocabulary, n tokens that are predicted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.dataset.windows import BEGINS, ENDS, document_windows
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives.five_gram import five_gram_bits
from kobert_pipeline.objectives.objective import (
    Batch,
    BatchContext,
    Chance,
    Figure,
    Learners,
    Objective,
    Term,
    TextFigures,
    only_student,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NEXT_TOKEN = "next_token"
"""The head that scores what follows a position, (n, H) -> (n, V), and the term that is minimised."""
HEADLINE, ACCURACY = "bits_per_character", "next_token_accuracy"
CHARACTERS = "characters"
"""(B, L) the characters that each token adds to the text; 0 for special tokens and padding."""


class CausalOptions(Config):
    """Nothing can be set: the lengths of windows and rows are those of the phases."""


def plan(block: Block, context: PlanContext, options: CausalOptions) -> Examples:
    return document_windows(block, context)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: CausalOptions) -> Batch:
    """`input_ids`, `attention_mask`, `characters`: (B, L)."""
    import torch

    info, lengths = context.tokenizer, examples.lengths[chosen]
    starts, sizes = examples.starts[chosen], examples.ends[chosen] - examples.starts[chosen]
    begins, ends = examples.labels[BEGINS][chosen], examples.labels[ENDS][chosen]
    positions = np.arange(int(lengths.max()))
    inside = positions - begins[:, None]
    is_text = (inside >= 0) & (inside < sizes[:, None])
    tokens = examples.block.tokens.take(starts[:, None] + inside, mode="clip")
    input_ids = np.where(is_text, tokens, info.pad_id).astype(np.int64)
    input_ids[begins, 0] = info.cls_id
    input_ids[np.flatnonzero(ends), (lengths - 1)[ends]] = info.sep_id
    arrays = {
        "input_ids": input_ids,
        "attention_mask": positions < lengths[:, None],
        CHARACTERS: np.where(is_text, info.characters[input_ids], 0),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: CausalOptions) -> dict[str, Term]:
    """Cross-entropy (nats) of every token but the first of its window, given those before it in the window."""
    return terms(models, batch, _is_predicted(batch))


def terms(models: Learners, batch: Batch, follows: Tensor) -> dict[str, Term]:
    """The same of the tokens after the positions that `follows` (B, L - 1) marks."""
    from torch.nn import functional

    labels = batch["input_ids"][:, 1:][follows]
    logits = models.student.logits(NEXT_TOKEN, models.student.hidden(batch)[:, :-1][follows]).float()
    nats = functional.cross_entropy(logits, labels, reduction="sum")
    counted = count(batch, follows)
    return {
        NEXT_TOKEN: Term(nats, counted[NEXT_TOKEN]),
        HEADLINE: Term(nats.detach() / math.log(2), counted[HEADLINE], weight=0.0),
        ACCURACY: Term((logits.argmax(dim=-1) == labels).sum().float(), counted[ACCURACY], weight=0.0),
    }


def counts(batch: Batch) -> dict[str, Tensor]:
    """Predicted tokens, and the characters that they spell."""
    return count(batch, _is_predicted(batch))


def count(batch: Batch, follows: Tensor) -> dict[str, Tensor]:
    """The same of the tokens after the positions that `follows` (B, L - 1) marks."""
    tokens, characters = follows.sum().float(), (batch[CHARACTERS][:, 1:] * follows).sum().float()
    return {NEXT_TOKEN: tokens, HEADLINE: characters, ACCURACY: tokens}


def _is_predicted(batch: Batch) -> Tensor:
    """(B, L - 1) bool: whether there is a token after the position."""
    return batch["attention_mask"][:, 1:].bool()


def unigram_bits_per_character(text: TextFigures, _: CausalOptions) -> float:
    """Raises InputError for a text whose characters are not known."""
    if text.characters_per_token is None:
        raise InputError(
            "the tokenizer of this token store does not give a text back as it was. "
            "Set tokenizer.model: bpe and build the tokenizer and the dataset again."
        )
    return text.unigram_entropy / math.log(2) / text.characters_per_token


FIGURES = (
    Figure(HEADLINE, "Bits per character", "bits", better=-1),
    Figure(NEXT_TOKEN, "Loss of the next token", "nats", better=-1),
    Figure(ACCURACY, "Next tokens predicted right", "share"),
)

OBJECTIVE = Objective(
    name="causal",
    paper="Radford et al. 2018, section 3.1",
    options=CausalOptions,
    models=only_student(NEXT_TOKEN),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=FIGURES,
    chance=Chance("unigram bits per character", unigram_bits_per_character),
    baseline=five_gram_bits,
    use="generate",
    writes=True,
    open_end=True,
)
