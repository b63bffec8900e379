"""ALBERT's objective: masked language modelling and the order of two neighbouring segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.sentence_order import sentence_order
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.masked import annotations_read, masked_batch, token_counts, token_terms
from kobert_pipeline.objectives.mlm_nsp import MlmNspOptions, pair_counts, pair_terms
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learner, Objective, Term
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch


def plan(block: Block, context: PlanContext, options: MlmNspOptions) -> Examples:
    return sentence_order(block, context, short_probability=options.short_probability)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: MlmNspOptions) -> Batch:
    """As `mlm`, and `sentence_order_label` (B,): 0 in order, 1 swapped."""
    import torch

    batch = masked_batch(assemble(examples, chosen, context.tokenizer, numbered=True), context, options)
    return batch | {"sentence_order_label": torch.from_numpy(examples.labels["sentence_order_label"][chosen])}


def loss(model: Learner, batch: Batch, generator: torch.Generator) -> dict[str, Term]:
    """Mean masked cross-entropy plus mean sentence-order cross-entropy (Lan et al. 2020, section 3.1)."""
    hidden = model.hidden(batch)
    return token_terms(model, hidden, batch) | pair_terms(model, hidden, batch["sentence_order_label"], "sop")


def counts(batch: Batch) -> dict[str, torch.Tensor]:
    return token_counts(batch) | pair_counts(batch["sentence_order_label"], "sop")


OBJECTIVE = Objective(
    name="mlm_sop",
    paper="Lan et al. 2020, section 3.1",
    options=MlmNspOptions,
    special_tokens=(),
    heads=("tokens", "sequence_pair"),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    annotations=annotations_read,
)
