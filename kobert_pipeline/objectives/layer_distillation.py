"""TinyBERT's general distillation: a student, which may be narrower, imitates the embeddings, hidden states and attention scores of
a frozen teacher, layer by layer.

Shapes: B rows of L tokens, H hidden size of the student, T that of the teacher.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.messages import say
from kobert_pipeline.objectives import teacher
from kobert_pipeline.objectives.masked import (
    FIGURES,
    HEADLINE,
    PER_PHASE,
    annotations_read,
    masked_batch,
    token_counts,
    token_terms,
)
from kobert_pipeline.objectives.objective import (
    TEACHER,
    Batch,
    BatchContext,
    Figure,
    Learners,
    Objective,
    Term,
    TokenizerInfo,
)
from kobert_pipeline.objectives.pseudo_perplexity import PSEUDO_PERPLEXITY
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.objectives.teacher import TaughtOptions
from kobert_pipeline.training.imitation import chosen_layers, scores_apart, states_apart

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

ATTENTION, STATES, EMBEDDINGS = "attention", "hidden_states", "embeddings"


class LayerDistillationOptions(TaughtOptions):
    start: Literal["teacher_layers", "random"] = "random"
    """`random`, as in the paper, suits a student that is narrower than its teacher."""
    attention_weight: float = Field(1.0, ge=0)
    """Weight of the squared distances of attention scores, which needs as many heads (Jiao et al. 2020, equation 7)."""
    hidden_weight: float = Field(1.0, ge=0)
    """Weight of the squared distances of hidden states, after a learned projection (equation 8)."""
    embedding_weight: float = Field(1.0, ge=0)
    """Weight of those of embeddings, after a projection of their own (equation 9)."""
    mlm_weight: float = Field(1.0, ge=0)
    """Weight of the masked language model loss. The paper has none in this stage (0), which leaves the head that fills masks
    untrained; with it the exported model is complete, and can be compared with others."""


def plan(block: Block, context: PlanContext, options: LayerDistillationOptions) -> Examples:
    return full_rows(block, context)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: LayerDistillationOptions) -> Batch:
    return masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)


def parts(options: LayerDistillationOptions, models: Learners, info: TokenizerInfo) -> dict[str, nn.Module]:
    """Projections from the student's width to the teacher's, without a bias. They are not exported."""
    from torch import nn

    weights = {STATES: options.hidden_weight, EMBEDDINGS: options.embedding_weight}
    narrow, wide = models.student.hidden_size, models[TEACHER].hidden_size
    return {name: nn.Linear(narrow, wide, bias=False) for name, weight in weights.items() if weight}


def loss(
    models: Learners, batch: Batch, generator: torch.Generator, options: LayerDistillationOptions
) -> dict[str, Term]:
    """Mean squared distances over all tokens (of scores: all pairs of tokens) but padding, summed over the student's layers, and
    the cross-entropy of masked tokens. Student layer m of M imitates teacher layer m · N / M of N (Jiao et al. 2020, section 4)."""
    import torch

    with torch.no_grad():
        wanted = models[TEACHER].layers(batch)
    own = models.student.layers(batch)
    chosen = chosen_layers(len(own.scores), len(wanted.scores))
    mask = batch["attention_mask"].bool()
    by_token, by_pair = _counts(mask)
    terms = token_terms(models.student, own.states[-1], batch)
    terms[HEADLINE] = replace(terms[HEADLINE], weight=options.mlm_weight)
    if options.attention_weight:
        apart = scores_apart(own.scores, [wanted.scores[layer - 1] for layer in chosen], mask)
        terms[ATTENTION] = Term(apart, by_pair, options.attention_weight)
    if options.hidden_weight:
        projected = [models.parts[STATES](states) for states in own.states[1:]]
        apart = states_apart(projected, [wanted.states[layer] for layer in chosen], mask)
        terms[STATES] = Term(apart, by_token, options.hidden_weight)
    if options.embedding_weight:
        apart = states_apart([models.parts[EMBEDDINGS](own.states[0])], wanted.states[:1], mask)
        terms[EMBEDDINGS] = Term(apart, by_token, options.embedding_weight)
    return terms


def counts(batch: Batch) -> dict[str, Tensor]:
    by_token, by_pair = _counts(batch["attention_mask"].bool())
    return token_counts(batch) | {ATTENTION: by_pair, STATES: by_token, EMBEDDINGS: by_token}


def _counts(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens, and pairs of tokens of one row."""
    lengths = mask.sum(dim=1).double()
    return lengths.sum().float(), (lengths * lengths).sum().float()


def teacher_problem(options: LayerDistillationOptions, student: Any, teacher: Any) -> str:
    """Why heads and layers do not fit."""
    if options.attention_weight and student.heads != teacher.heads:
        return say(
            "has {theirs} attention heads, and the student {ours}; set pretrain.architecture.heads to as many, or attention_weight: 0",
            theirs=teacher.heads,
            ours=student.heads,
        )
    if student.layers > teacher.layers:
        return say(
            "has {theirs} layers, and the student {ours}; set pretrain.architecture.layers to at most that",
            theirs=teacher.layers,
            ours=student.layers,
        )
    return ""


OBJECTIVE = Objective(
    name="layer_distillation",
    paper="Jiao et al. 2020, section 4",
    options=LayerDistillationOptions,
    models=teacher.models,
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=(
        *FIGURES,
        Figure(ATTENTION, "Squared distance from the teacher's attention scores", better=-1),
        Figure(STATES, "Squared distance from the teacher's hidden states", better=-1),
        Figure(EMBEDDINGS, "Squared distance from the teacher's embeddings", better=-1),
    ),
    measures=(PSEUDO_PERPLEXITY,),
    use="fill_mask",
    parts=parts,
    inputs=teacher.INPUTS,
    annotations=annotations_read,
    per_phase=PER_PHASE,
    teacher_problem=teacher_problem,
    reads_scores=True,
)
