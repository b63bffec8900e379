"""Masked language modelling over full rows of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.plan import Examples, PlanContext, contiguous
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.masking.tokens import IGNORE_INDEX, MaskingConfig, mask_tokens
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learner, Objective, Term
from kobert_pipeline.objectives.rows import Rows, assemble

if TYPE_CHECKING:
    import torch


class MlmOptions(MaskingConfig):
    validation_probability: float = Field(0.15, gt=0, lt=1)
    """Share masked in held-out text, so that runs with other training shares can be compared."""


def plan(block: Block, context: PlanContext, options: MlmOptions) -> Examples:
    return contiguous(block, context)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: MlmOptions) -> Batch:
    return masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)


def masked_batch(rows: Rows, context: BatchContext, options: MlmOptions) -> Batch:
    """`input_ids`, `attention_mask`, `token_type_ids`, `labels`: (B, L). Padding has label -100."""
    import torch

    share = options.mlm_probability if context.training else options.validation_probability
    input_ids, labels = mask_tokens(
        rows.input_ids,
        rows.maskable,
        context.generators,
        options.model_copy(update={"mlm_probability": share}),
        mask_id=context.tokenizer.mask_id,
        replacements=context.tokenizer.replacements,
    )
    arrays = {
        "input_ids": input_ids,
        "attention_mask": rows.attention_mask,
        "token_type_ids": rows.token_type_ids,
        "labels": labels,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def loss(model: Learner, batch: Batch, generator: torch.Generator) -> dict[str, Term]:
    return token_terms(model, model.hidden(batch), batch)


def token_terms(model: Learner, hidden: torch.Tensor, batch: Batch) -> dict[str, Term]:
    """Cross-entropy (nats) over masked positions only, and the share predicted right. `hidden` is (B, L, H).

    The head runs on masked positions alone: with a vocabulary of 32,000 that is most of a small model's work.
    """
    import torch
    from torch.nn import functional

    masked = batch["labels"] != IGNORE_INDEX
    logits = model.token_logits(hidden[masked]).float()
    labels = batch["labels"][masked]
    count = torch.tensor(float(labels.numel()), device=labels.device)
    right = (logits.argmax(dim=-1) == labels).sum()
    return {
        "mlm": Term(functional.cross_entropy(logits, labels, reduction="sum"), count),
        "mlm_accuracy": Term(right.float(), count, weight=0.0),
    }


OBJECTIVE = Objective(
    name="mlm",
    paper="Liu et al. 2019, section 4.2; masking of Devlin et al. 2019, section 3.1",
    options=MlmOptions,
    special_tokens=(),
    heads=("tokens",),
    plan=plan,
    collate=collate,
    loss=loss,
)
