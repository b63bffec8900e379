"""Dialogue: the reply to up to seven turns (Meena, Adiwardana et al. 2020). A causal model whose loss is that of the reply alone.

Shapes: B examples of L tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.dataset.turns import REPLY, replies
from kobert_pipeline.ground.config import Config
from kobert_pipeline.objectives import causal
from kobert_pipeline.objectives.objective import Batch, BatchContext, Chance, Learners, Objective, Term, only_student
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PREDICTED = "predicted"
"""(B, L) bool: the tokens of the reply, and the [SEP] that ends it."""


class DialogueOptions(Config):
    turns: int = Field(7, ge=1)
    """Turns before a reply that the model reads at most."""


def plan(block: Block, context: PlanContext, options: DialogueOptions) -> Examples:
    return replies(block, context, options.turns)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: DialogueOptions) -> Batch:
    """`input_ids`, `attention_mask`, `characters`, `predicted`: (B, L)."""
    import torch

    rows = assemble(examples, chosen, context.tokenizer, numbered=False)
    after = np.arange(rows.input_ids.shape[1]) >= examples.labels[REPLY][chosen][:, None]
    arrays = {
        "input_ids": rows.input_ids,
        "attention_mask": rows.attention_mask,
        causal.CHARACTERS: np.where(rows.maskable, context.tokenizer.characters[rows.input_ids], 0),
        PREDICTED: after & rows.attention_mask,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: DialogueOptions) -> dict[str, Term]:
    """Cross-entropy (nats) of every token of the reply and of its end, given all tokens before it."""
    return causal.terms(models, batch, batch[PREDICTED][:, 1:])


def counts(batch: Batch) -> dict[str, Tensor]:
    """Tokens of replies, and the characters that they spell."""
    return causal.count(batch, batch[PREDICTED][:, 1:])


OBJECTIVE = Objective(
    name="dialogue",
    paper="Adiwardana et al. 2020, section 3",
    options=DialogueOptions,
    models=only_student(causal.NEXT_TOKEN),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=causal.HEADLINE,
    figures=causal.FIGURES,
    chance=Chance("unigram bits per character", causal.unigram_bits_per_character),
    use="generate",
    writes=True,
    open_end=True,
)
