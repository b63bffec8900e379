"""Masked language modelling over full rows of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.masked import MaskedOptions, annotations_read, masked_batch, token_counts, token_terms
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learner, Objective, Term
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch


class MlmOptions(MaskedOptions):
    whole_sentences: bool = False
    """Rows end where sentences end, padded (RoBERTa); otherwise they are cut at pieces, and full."""
    across_documents: bool = True
    """A row goes on with the next document, behind a [SEP]."""


def plan(block: Block, context: PlanContext, options: MlmOptions) -> Examples:
    return full_rows(block, context, whole_sentences=options.whole_sentences, across_documents=options.across_documents)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: MlmOptions) -> Batch:
    return masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)


def loss(model: Learner, batch: Batch, generator: torch.Generator) -> dict[str, Term]:
    return token_terms(model, model.hidden(batch), batch)


OBJECTIVE = Objective(
    name="mlm",
    paper="Liu et al. 2019, section 4.2; masking of Devlin et al. 2019, section 3.1",
    options=MlmOptions,
    special_tokens=(),
    heads=("tokens",),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=token_counts,
    annotations=annotations_read,
)
