"""XLNet's objective: tokens are predicted one after the other, in an order that is drawn for each row.

Shapes: B rows of L tokens, T targets in the row that has most, H hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.annotations import PART_OF_SPEECH
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.segment_pairs import segment_pairs
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.config import Config
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens
from kobert_pipeline.objectives.masked import STARTS, unit_starts
from kobert_pipeline.objectives.objective import Batch, BatchContext, Figure, Learners, Objective, Term, only_student
from kobert_pipeline.objectives.parts_of_speech import accuracy_figures, accuracy_terms
from kobert_pipeline.objectives.rows import Rows, assemble, cls_last

if TYPE_CHECKING:
    import torch

HEAD = "tokens_in_order"
"""Scores a token from a state that has not seen it: (n, H) -> (n, vocabulary)."""
HEADLINE, ACCURACY = "permutation", "permutation_accuracy"
CLS_SEGMENT = 2
"""[CLS] is in neither segment (released code)."""
ORDERS = 3
"""Purpose of random words: see `kobert_pipeline.masking.tokens`."""


class PermutationOptions(Config):
    one_in: int = Field(6, gt=1)
    """One token in so many is predicted, the last ones of the order: K of section 2.3, 6 in appendix A.4."""
    unit: Literal["subword", "eojeol", "span", "ngram"] = "ngram"
    """What is predicted whole. The released code takes n-grams of words, n with a probability proportional to 1 / n."""
    max_span: int = Field(5, gt=0)
    """The most eojeols of an n-gram or span."""
    short_probability: float = Field(0.1, ge=0, le=1)
    """Share of examples that aim at a random shorter length."""


def annotations_read(options: PermutationOptions) -> tuple[str, ...]:
    return (STARTS[options.unit],) if options.unit in STARTS else ()


def plan(block: Block, context: PlanContext, options: PermutationOptions) -> Examples:
    """Two segments, the second from another document in one example of two (section 2.5). Nothing is learned about that: the
    paper drops next-sentence prediction. Segments teach the model to tell two texts apart."""
    examples = segment_pairs(block, context, short_probability=options.short_probability)
    examples.labels.clear()
    return examples


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: PermutationOptions) -> Batch:
    """`input_ids`, `attention_mask`, `token_type_ids`, `labels`, `order`: (B, L); `targets` (B, T).

    `order` is 0 for tokens that are given and says when the others are predicted, from 1 on. `targets` are the places of these,
    -1 in slots that a row does not use. Validation always predicts single tokens, so that runs can be compared.
    """
    import torch

    rows = assemble(examples, chosen, context.tokenizer, numbered=True)
    labels = _labels(rows, context, options)
    types = rows.token_type_ids.copy()
    types[:, 0] = CLS_SEGMENT
    arrays = {
        "input_ids": rows.input_ids,
        "attention_mask": rows.attention_mask,
        "token_type_ids": types,
        "labels": labels,
        "order": orders(labels != IGNORE_INDEX, context.generator),
    }
    if not context.training and PART_OF_SPEECH in rows.block.annotations:
        arrays[PART_OF_SPEECH] = rows.annotations(PART_OF_SPEECH)
    moved = cls_last(rows.attention_mask)
    arrays = {name: np.take_along_axis(array, moved, axis=1) for name, array in arrays.items()}
    arrays["targets"] = places_of(arrays["order"] > 0)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _labels(rows: Rows, context: BatchContext, options: PermutationOptions) -> np.ndarray:
    """(B, L): the token where it is to be predicted, IGNORE_INDEX elsewhere. Drawn before rows are padded at the front, so that
    a row's targets do not depend on the rows next to it."""
    unit = options.unit if context.training else "subword"
    _, labels = mask_tokens(
        rows.input_ids,
        rows.maskable,
        unit_starts(rows, unit),
        context.generator,
        MaskingConfig(unit=unit, mlm_probability=1 / options.one_in, max_span=options.max_span),
        mask_id=context.tokenizer.mask_id,
        replacements=context.tokenizer.replacements,
    )
    return labels


def orders(is_target: np.ndarray, generator: RowGenerator) -> np.ndarray:
    """(B, L) int64: the targets of each row numbered from 1 on in a random order, 0 elsewhere.

    Each order is as likely as any other. What is given comes first, in no order of its own (section 2.3).
    """
    length = is_target.shape[1]
    words = np.where(is_target, generator.words(ORDERS, length), np.uint64(2**64 - 1))
    ranks = np.argsort(np.argsort(words, axis=1, kind="stable"), axis=1)
    found: np.ndarray = np.where(is_target, ranks + 1, 0)
    return found


def places_of(is_target: np.ndarray) -> np.ndarray:
    """(B, T) int64: the places of the targets of each row, in reading order, then -1. T is 1 at least."""
    counts = is_target.sum(axis=1)
    places = np.full((len(is_target), max(1, int(counts.max(initial=0)))), -1, dtype=np.int64)
    rows, columns = np.nonzero(is_target)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    places[rows, np.arange(len(rows)) - starts] = columns
    return places


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: PermutationOptions) -> dict[str, Term]:
    """The cross-entropy (nats) of every target given what comes before it in its order (Yang et al. 2019, equation 5)."""
    from torch.nn import functional

    is_target = batch["labels"] != IGNORE_INDEX
    labels = batch["labels"][is_target]
    logits = models.student.logits(HEAD, models.student.hidden(batch)[is_target]).float()
    right, count = logits.argmax(dim=-1) == labels, is_target.sum().float()
    terms = {
        HEADLINE: Term(functional.cross_entropy(logits, labels, reduction="sum"), count),
        ACCURACY: Term(right.sum().float(), count, weight=0.0),
    }
    if PART_OF_SPEECH in batch:
        terms |= accuracy_terms(ACCURACY, right, batch[PART_OF_SPEECH][is_target])
    return terms


def counts(batch: Batch) -> dict[str, torch.Tensor]:
    count = (batch["labels"] != IGNORE_INDEX).sum().float()
    return {HEADLINE: count, ACCURACY: count}


OBJECTIVE = Objective(
    name="permutation",
    paper="Yang et al. 2019, section 2",
    options=PermutationOptions,
    models=only_student(HEAD),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=(
        Figure(HEADLINE, "Permutation language model loss", "nats", better=-1),
        Figure(ACCURACY, "Tokens predicted right", "share"),
        *accuracy_figures(ACCURACY),
    ),
    use="fill_mask",
    annotations=annotations_read,
    per_phase=("one_in", "unit", "max_span"),
)
