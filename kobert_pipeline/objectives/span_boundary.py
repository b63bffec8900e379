"""SpanBERT's objective: masked spans of whole eojeols, predicted from their own states and again from their boundaries.

Shapes: B rows of L tokens, H hidden size, n masked tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import model_validator

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.masking.config import Unit
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.masked import (
    FIGURES,
    FIGURES_AS_EXPORTED,
    PER_PHASE,
    TOKENS,
    MaskedOptions,
    annotations_read,
    exported_terms,
    masked_batch,
    token_counts,
    token_terms,
)
from kobert_pipeline.objectives.objective import (
    Batch,
    BatchContext,
    Figure,
    Learners,
    Objective,
    Term,
    TokenizerInfo,
    only_student,
)
from kobert_pipeline.objectives.pseudo_perplexity import PSEUDO_PERPLEXITY
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

BOUNDARY, ACCURACY = "boundary", "boundary_accuracy"


class SpanBoundaryOptions(MaskedOptions):
    unit: Unit = "span"

    @model_validator(mode="after")
    def _spans_can_be_seen(self) -> SpanBoundaryOptions:
        if self.fixed_predictions:
            raise WrongValue("fixed_predictions is not offered: spans are found in the labels of whole rows")
        return self


def plan(block: Block, context: PlanContext, options: SpanBoundaryOptions) -> Examples:
    """Single sequences of one document each (Joshi et al. 2020, section 3.3)."""
    return full_rows(block, context, across_documents=False)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: SpanBoundaryOptions) -> Batch:
    return masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)


def parts(options: SpanBoundaryOptions, models: Learners, info: TokenizerInfo) -> dict[str, nn.Module]:
    from kobert_pipeline.objectives.boundary_head import BoundaryHead

    return {BOUNDARY: BoundaryHead(models.student.hidden_size, _decoder(models).in_features)}


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: SpanBoundaryOptions) -> dict[str, Term]:
    """The cross-entropy of every masked token, and that of the same token by its span's boundaries, with the same output
    embeddings (Joshi et al. 2020, section 3.2)."""
    from torch.nn import functional

    hidden = models.student.hidden(batch)
    masked = batch["labels"] != IGNORE_INDEX
    labels = batch["labels"][masked]
    logits = _decoder(models)(models.parts[BOUNDARY](*boundaries(hidden, masked))).float()
    count = masked.sum().float()
    terms = token_terms(models.student, hidden, batch) | exported_terms(models, batch)
    return terms | {
        BOUNDARY: Term(functional.cross_entropy(logits, labels, reduction="sum"), count),
        ACCURACY: Term((logits.argmax(-1) == labels).sum().float(), count, 0.0),
    }


def boundaries(hidden: Tensor, masked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each masked token the states before and after its span, (n, H) each, and its place in the span (n,).

    A span is a longest run of `masked` (B, L). Special tokens are never masked, so a span has a token on both sides; in a
    row without meaning, which a rank without rows computes, its own ends stand for them.
    """
    import torch

    length = masked.shape[1]
    positions = torch.arange(length, device=masked.device).expand_as(masked)
    before = torch.where(masked, -1, positions).cummax(dim=1).values.clamp(min=0)
    after = torch.where(masked, length, positions).flip(1).cummin(dim=1).values.flip(1).clamp(max=length - 1)
    rows = torch.arange(len(masked), device=masked.device)[:, None].expand_as(masked)[masked]
    place = (positions - before - 1).clamp(min=0)[masked]
    return hidden[rows, before[masked]], hidden[rows, after[masked]], place


def _decoder(models: Learners) -> Any:
    """The student's output embeddings: (n, E) -> (n, vocabulary)."""
    student: Any = models.student
    return student.transformer.get_output_embeddings()


def counts(batch: Batch) -> dict[str, Tensor]:
    by_token = token_counts(batch)
    count = next(iter(by_token.values()))
    return by_token | {BOUNDARY: count, ACCURACY: count}


OBJECTIVE = Objective(
    name="span_boundary",
    paper="Joshi et al. 2020, section 3",
    options=SpanBoundaryOptions,
    models=only_student(TOKENS),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline="mlm",
    figures=(
        *FIGURES,
        Figure(BOUNDARY, "Span boundary loss", "nats", better=-1),
        Figure(ACCURACY, "Masked tokens predicted right from the boundaries", "share"),
    ),
    figures_if_measured=FIGURES_AS_EXPORTED,
    measures=(PSEUDO_PERPLEXITY,),
    use="fill_mask",
    parts=parts,
    annotations=annotations_read,
    per_phase=PER_PHASE,
)
