"""BERT's objective: masked language modelling and next-sentence prediction over pairs of segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.segment_pairs import segment_pairs
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives.masked import MaskedOptions, annotations_read, masked_batch, token_counts, token_terms
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learner, Objective, Term
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch


class MlmNspOptions(MaskedOptions):
    short_probability: float = Field(0.1, ge=0, le=1)
    """Share of examples that aim at a random shorter length."""


def plan(block: Block, context: PlanContext, options: MlmNspOptions) -> Examples:
    return segment_pairs(block, context, short_probability=options.short_probability)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: MlmNspOptions) -> Batch:
    """As `mlm`, and `next_sentence_label` (B,): 0 really next, 1 random."""
    import torch

    batch = masked_batch(assemble(examples, chosen, context.tokenizer, numbered=True), context, options)
    return batch | {"next_sentence_label": torch.from_numpy(examples.labels["next_sentence_label"][chosen])}


def loss(model: Learner, batch: Batch, generator: torch.Generator) -> dict[str, Term]:
    """Mean masked cross-entropy plus mean next-sentence cross-entropy (Devlin et al. 2019, appendix A.2)."""
    hidden = model.hidden(batch)
    return token_terms(model, hidden, batch) | pair_terms(model, hidden, batch["next_sentence_label"], "nsp")


def counts(batch: Batch) -> dict[str, torch.Tensor]:
    return token_counts(batch) | pair_counts(batch["next_sentence_label"], "nsp")


def pair_terms(model: Learner, hidden: torch.Tensor, labels: torch.Tensor, name: str) -> dict[str, Term]:
    """Cross-entropy (nats) of the pair head against `labels` (B,), and the share predicted right. `hidden` is (B, L, H)."""
    import torch
    from torch.nn import functional

    logits = model.pair_logits(hidden).float()
    count = torch.full((), float(labels.numel()), device=labels.device)
    right = (logits.argmax(dim=-1) == labels).sum()
    return {
        name: Term(functional.cross_entropy(logits, labels, reduction="sum"), count),
        f"{name}_accuracy": Term(right.float(), count, weight=0.0),
    }


def pair_counts(labels: torch.Tensor, name: str) -> dict[str, torch.Tensor]:
    """Counts of `pair_terms`: pairs."""
    import torch

    count = torch.full((), float(labels.numel()), device=labels.device)
    return {name: count, f"{name}_accuracy": count}


OBJECTIVE = Objective(
    name="mlm_nsp",
    paper="Devlin et al. 2019, section 3.1",
    options=MlmNspOptions,
    special_tokens=(),
    heads=("tokens", "sequence_pair"),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    annotations=annotations_read,
)
