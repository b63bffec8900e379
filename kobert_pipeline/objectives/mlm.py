"""Masked language modelling over full rows of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.masked import (
    FIGURES,
    FIGURES_AS_EXPORTED,
    HEADLINE,
    PER_PHASE,
    TOKENS,
    MaskedOptions,
    annotations_read,
    exported_terms,
    masked_batch,
    token_counts,
    token_terms,
)
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learners, Objective, Term, only_student
from kobert_pipeline.objectives.pseudo_perplexity import PSEUDO_PERPLEXITY
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch


class MlmOptions(MaskedOptions):
    whole_sentences: bool = False
    """Rows end where sentences end, and are padded (RoBERTa). Otherwise they are cut at tokens, and full."""
    across_documents: bool = True
    """A row goes on with the next document, after a [SEP]."""


def plan(block: Block, context: PlanContext, options: MlmOptions) -> Examples:
    return full_rows(block, context, whole_sentences=options.whole_sentences, across_documents=options.across_documents)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: MlmOptions) -> Batch:
    return masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: MlmOptions) -> dict[str, Term]:
    return token_terms(models.student, models.student.hidden(batch), batch) | exported_terms(models, batch)


OBJECTIVE = Objective(
    name="mlm",
    paper="Liu et al. 2019, section 4.2; masking of Devlin et al. 2019, section 3.1",
    options=MlmOptions,
    models=only_student(TOKENS),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=token_counts,
    headline=HEADLINE,
    figures=FIGURES,
    figures_if_measured=FIGURES_AS_EXPORTED,
    measures=(PSEUDO_PERPLEXITY,),
    use="fill_mask",
    annotations=annotations_read,
    per_phase=PER_PHASE,
)
