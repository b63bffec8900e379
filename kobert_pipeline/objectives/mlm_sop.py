"""ALBERT's objective: masked language modelling and the order of two neighbouring segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.sentence_order import sentence_order
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.masked import (
    FIGURES,
    HEADLINE,
    PER_PHASE,
    TOKENS,
    annotations_read,
    masked_batch,
    token_counts,
    token_terms,
)
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learners, Objective, Term, only_student
from kobert_pipeline.objectives.pseudo_perplexity import PSEUDO_PERPLEXITY
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.objectives.sentence_pair import PAIR, PairOptions, pair_counts, pair_figures, pair_terms

if TYPE_CHECKING:
    import torch

NAME, LABEL = "sop", "sentence_order_label"


def plan(block: Block, context: PlanContext, options: PairOptions) -> Examples:
    return sentence_order(block, context, short_probability=options.short_probability)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: PairOptions) -> Batch:
    """As `mlm`, and `sentence_order_label` (B,): 0 in order, 1 swapped."""
    import torch

    batch = masked_batch(assemble(examples, chosen, context.tokenizer, numbered=True), context, options)
    return batch | {LABEL: torch.from_numpy(examples.labels[LABEL][chosen])}


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: PairOptions) -> dict[str, Term]:
    """Mean masked cross-entropy plus mean sentence-order cross-entropy (Lan et al. 2020, section 3.1)."""
    hidden = models.student.hidden(batch)
    return token_terms(models.student, hidden, batch) | pair_terms(models.student, hidden, batch[LABEL], NAME)


def counts(batch: Batch) -> dict[str, torch.Tensor]:
    return token_counts(batch) | pair_counts(batch[LABEL], NAME)


OBJECTIVE = Objective(
    name="mlm_sop",
    paper="Lan et al. 2020, section 3.1",
    options=PairOptions,
    models=only_student(TOKENS, PAIR),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=(*FIGURES, *pair_figures(NAME, "Sentence order")),
    measures=(PSEUDO_PERPLEXITY,),
    use="fill_mask",
    annotations=annotations_read,
    per_phase=PER_PHASE,
    label_words={LABEL: ("in order", "swapped")},
)
