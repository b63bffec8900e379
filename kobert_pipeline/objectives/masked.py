"""What every objective that masks tokens shares: options, the batch, the loss on what was masked.

Shapes: B rows of L tokens, H hidden size, n masked positions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PART_OF_SPEECH
from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.joined_units import run_starts
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens, slots
from kobert_pipeline.objectives.objective import EXPORTED, Batch, BatchContext, Figure, Learner, Learners, Term
from kobert_pipeline.objectives.parts_of_speech import accuracy_figures, accuracy_terms
from kobert_pipeline.objectives.rows import Rows

if TYPE_CHECKING:
    import torch

STARTS = {"eojeol": EOJEOL_START, "span": EOJEOL_START, "ngram": EOJEOL_START, "morpheme": MORPHEME_START}
"""Masked unit -> the annotation that says where one begins. A subword begins anywhere."""
RUNS = {
    "entity": ("NNP",),
    "phrase": ("NNG", "NNP", "NNB", "NNBC", "NR", "SN", "SL", "SH", "XPN", "XSN", "XR"),
}
"""Masked unit -> tags of mecab-ko-dic whose morphemes are one unit where they follow each other. Other units are morphemes."""
TOKENS = "tokens"
"""The head that scores masked positions: (n, H) -> (n, vocabulary)."""
HEADLINE, ACCURACY = "mlm", "mlm_accuracy"
FIGURES = (
    Figure(HEADLINE, "Masked language model loss", "nats", better=-1),
    Figure(ACCURACY, "Masked tokens predicted right", "share"),
    *accuracy_figures(ACCURACY),
)
FIGURES_AS_EXPORTED = (
    Figure(HEADLINE + EXPORTED, "Masked language model loss of the exported model", "nats", better=-1),
)
PER_PHASE = tuple(name for name in MaskingConfig.model_fields)
"""Options that may change between phases: a mask rate that falls, larger masked units."""


class MaskedOptions(MaskingConfig):
    validation_probability: float = Field(0.15, gt=0, lt=1)
    """Share masked in validation text, always as single tokens, so that runs with other settings can be compared."""


def annotations_read(options: MaskedOptions) -> tuple[str, ...]:
    if options.unit in RUNS:
        return (MORPHEME_START, PART_OF_SPEECH)
    return (STARTS[options.unit],) if options.unit in STARTS else ()


def unit_starts(rows: Rows, unit: str) -> np.ndarray | None:
    """(B, L) bool: where a masked unit begins. None for subwords."""
    if unit in RUNS:
        tags = [PARTS_OF_SPEECH.index(tag) for tag in RUNS[unit]]
        return run_starts(rows.annotations(MORPHEME_START), np.isin(rows.annotations(PART_OF_SPEECH), tags))
    return rows.annotations(STARTS[unit]) if unit in STARTS else None


def masked_batch(rows: Rows, context: BatchContext, options: MaskedOptions) -> Batch:
    """`input_ids`, `attention_mask`, `token_type_ids`, `labels`: (B, L). Padding has label -100.

    With `fixed_predictions`, `masked_positions` and `masked_labels`, (B, max_predictions), take the place of `labels`.
    Validation batches also have `part_of_speech` (B, L) if the store holds it.
    """
    import torch

    config = options if context.training else _for_validation(options)
    input_ids, labels = mask_tokens(
        rows.input_ids,
        rows.maskable,
        unit_starts(rows, config.unit),
        context.generator,
        config,
        mask_id=context.tokenizer.mask_id,
        replacements=context.tokenizer.replacements,
    )
    arrays = {"input_ids": input_ids, "attention_mask": rows.attention_mask, "token_type_ids": rows.token_type_ids}
    if config.fixed_predictions and config.max_predictions is not None:
        arrays["masked_positions"], arrays["masked_labels"] = slots(labels, config.max_predictions)
    else:
        arrays["labels"] = labels
    if not context.training and PART_OF_SPEECH in rows.block.annotations:
        arrays[PART_OF_SPEECH] = rows.annotations(PART_OF_SPEECH)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _for_validation(options: MaskedOptions) -> MaskingConfig:
    """The objective's own shares of [MASK] and of random words, whatever a recipe says: ELECTRA's generator reads nothing but
    [MASK] where it predicts, and is not made to fill in what it sees."""
    shares = {name: type(options).model_fields[name].default for name in ("mask_share", "random_share")}
    return MaskingConfig(mlm_probability=options.validation_probability, **shares)


def token_terms(model: Learner, hidden: torch.Tensor, batch: Batch) -> dict[str, Term]:
    """Cross-entropy (nats) over masked positions only, and the share predicted right, by part of speech if the batch holds
    it. `hidden` is (B, L, H).

    The head runs on masked positions alone: with a vocabulary of 32,000 the head is most of a small model's work.
    """
    states, labels = _masked(hidden, batch)
    return masked_terms(model.logits(TOKENS, states).float(), labels, batch)


def masked_terms(logits: torch.Tensor, labels: torch.Tensor, batch: Batch) -> dict[str, Term]:
    """The terms of `token_terms` from logits (n, V) and labels (n,) that include those of all masked positions, in order."""
    from torch.nn import functional

    count = (labels != IGNORE_INDEX).sum().float()
    right = logits.argmax(dim=-1) == labels
    terms = {
        HEADLINE: Term(functional.cross_entropy(logits, labels, reduction="sum", ignore_index=IGNORE_INDEX), count),
        ACCURACY: Term(right.sum().float(), count, weight=0.0),
    }
    if PART_OF_SPEECH in batch:
        right = right[labels != IGNORE_INDEX]
        terms |= accuracy_terms(ACCURACY, right, batch[PART_OF_SPEECH][batch["labels"] != IGNORE_INDEX])
    return terms


def exported_terms(models: Learners, batch: Batch) -> dict[str, Term]:
    """In validation, the cross-entropy of the student as it is exported, if that is another one."""
    hidden = None if models.training else models.student.exported(batch)
    if hidden is None:
        return {}
    return {HEADLINE + EXPORTED: replace(token_terms(models.student, hidden, batch)[HEADLINE], weight=0.0)}


def token_counts(batch: Batch) -> dict[str, torch.Tensor]:
    """Counts of `token_terms`: masked positions."""
    labels = batch["masked_labels"] if "masked_labels" in batch else batch["labels"]
    count = (labels != IGNORE_INDEX).sum().float()
    return {HEADLINE: count, ACCURACY: count}


def _masked(hidden: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (n, H) and labels (n,) of the masked positions, or of all slots if their number is fixed."""
    if "masked_positions" in batch:
        at = batch["masked_positions"][..., None].expand(-1, -1, hidden.shape[-1])
        return hidden.gather(1, at).flatten(0, 1), batch["masked_labels"].flatten()
    masked = batch["labels"] != IGNORE_INDEX
    return hidden[masked], batch["labels"][masked]
