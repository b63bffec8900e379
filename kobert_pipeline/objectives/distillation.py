"""DistilBERT's objective: a student imitates what a frozen teacher predicts and its last hidden states, and fills in masked tokens.

Shapes: B rows of L tokens, H hidden size, V vocabulary, n real tokens of the batch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, model_validator

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.config import added
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import teacher
from kobert_pipeline.objectives.masked import (
    FIGURES,
    HEADLINE,
    PER_PHASE,
    TOKENS,
    annotations_read,
    masked_batch,
    masked_terms,
    token_counts,
)
from kobert_pipeline.objectives.objective import TEACHER, Batch, BatchContext, Figure, Learners, Objective, Term
from kobert_pipeline.objectives.pseudo_perplexity import PSEUDO_PERPLEXITY
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.objectives.teacher import TaughtOptions
from kobert_pipeline.training.imitation import soft_targets

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SOFT, COSINE = "soft_targets", "cosine"
IMITATED = "imitated"
"""A mask (B, L) in the batch, with `masked_only`."""


class DistillationOptions(TaughtOptions):
    temperature: float = Field(2.0, gt=0)
    """By which both models' logits are divided: higher ones show more of what the teacher holds for less likely."""
    soft_weight: float = Field(5.0, ge=0)
    """Weight of the divergence from the teacher's predictions. This and the following are those of the released code."""
    mlm_weight: float = Field(2.0, ge=0)
    """Weight of the masked language model loss."""
    cosine_weight: float = Field(1.0, ge=0)
    """Weight of one less the cosine of both models' last hidden states, which needs equally wide models."""

    masked_only: bool = added(False)
    """Imitate predictions at masked tokens alone, as `restrict_ce_to_mask` of the released code. A step takes less than half the time,
    because neither model scores the vocabulary at the other tokens."""

    @model_validator(mode="after")
    def _something_is_learned(self) -> DistillationOptions:
        if not (self.soft_weight or self.mlm_weight or self.cosine_weight):
            raise WrongValue("soft_weight, mlm_weight and cosine_weight are all 0: nothing would be learned")
        return self


def plan(block: Block, context: PlanContext, options: DistillationOptions) -> Examples:
    return full_rows(block, context)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: DistillationOptions) -> Batch:
    batch = masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)
    return batch | ({IMITATED: batch["labels"] != IGNORE_INDEX} if options.masked_only else {})


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: DistillationOptions) -> dict[str, Term]:
    """Over all tokens but padding: the divergence of predictions at a temperature (with `masked_only`, over masked tokens), and one less
    the cosine of hidden states; over masked tokens the cross-entropy (Sanh et al. 2019, section 3). Both models read the same
    masked text."""
    import torch
    from torch.nn import functional

    real = batch["attention_mask"].bool()
    imitated, divided_by = _imitated(batch), counts(batch)
    states = models.student.hidden(batch)
    logits = models.student.logits(TOKENS, states[imitated]).float()
    with torch.no_grad():
        wanted = models[TEACHER].hidden(batch)
        targets = models[TEACHER].logits(TOKENS, wanted[imitated]).float()
    terms = masked_terms(logits, batch["labels"][imitated], batch)
    terms[HEADLINE] = replace(terms[HEADLINE], weight=options.mlm_weight)
    apart = soft_targets(logits, targets, options.temperature).sum()
    terms[SOFT] = Term(apart, divided_by[SOFT], options.soft_weight)
    if options.cosine_weight:
        apart = 1 - functional.cosine_similarity(states[real].float(), wanted[real].float(), dim=-1)
        terms[COSINE] = Term(apart.sum(), divided_by[COSINE], options.cosine_weight)
    return terms


def _imitated(batch: Batch) -> Tensor:
    """(B, L): where predictions are imitated."""
    return batch[IMITATED] if IMITATED in batch else batch["attention_mask"].bool()


def counts(batch: Batch) -> dict[str, Tensor]:
    return token_counts(batch) | {
        SOFT: _imitated(batch).sum().float(),
        COSINE: batch["attention_mask"].sum().float(),
    }


def teacher_problem(options: DistillationOptions, student: Any, teacher: Any) -> str:
    """Why the widths do not fit."""
    if options.cosine_weight and student.hidden != teacher.hidden:
        return say(
            "the student's hidden size {ours} is not its {theirs}; set cosine_weight: 0 to leave hidden states out",
            ours=student.hidden,
            theirs=teacher.hidden,
        )
    return ""


OBJECTIVE = Objective(
    name="distillation",
    paper="Sanh et al. 2019, section 3",
    options=DistillationOptions,
    models=teacher.models,
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=(
        *FIGURES,
        Figure(SOFT, "Divergence from the teacher's predictions", "nats", better=-1),
        Figure(COSINE, "One less the cosine with the teacher's hidden states", better=-1),
    ),
    measures=(PSEUDO_PERPLEXITY,),
    use="fill_mask",
    inputs=teacher.INPUTS,
    annotations=annotations_read,
    per_phase=PER_PHASE,
    teacher_problem=teacher_problem,
)
