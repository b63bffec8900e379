"""BART's denoising: a text that was damaged is written again whole (Lewis et al. 2020, section 2.2).

Shapes: B examples, a source of L tokens, a target of T tokens, n tokens of one text.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.noise import (
    MASK,
    Random,
    masked,
    poisson_lengths,
    reordered,
    rotated,
    scattered,
    share_of,
    thinned,
)
from kobert_pipeline.objectives.objective import Batch, BatchContext, Learners, Objective, Term, only_student
from kobert_pipeline.objectives.source_and_target import (
    NOISE,
    TARGET_TOKEN,
    batch_of,
    figures,
    target_counts,
    target_terms,
    texts_of,
)

if TYPE_CHECKING:
    import torch

HEADLINE = "denoising"


class DenoiseOptions(Config):
    """The defaults are the paper's best mixture: 30 % of the tokens infilled, all sentences permuted."""

    infilling: float = Field(0.3, ge=0, lt=1)
    """Share of the tokens in spans that are each replaced by one [MASK]."""
    mean_span: float = Field(3.0, ge=0.5)
    """Mean length of these spans, which is drawn from a Poisson distribution: a span of 0 tokens is a [MASK] more."""
    permutation: float = Field(1.0, ge=0, le=1)
    """Share of the sentences that change places with each other."""
    deletion: float = Field(0.0, ge=0, lt=1)
    """Share of the tokens that vanish without a trace."""
    rotation: float = Field(0.0, ge=0, le=1)
    """Share of the examples that begin at a random token, with what was before it at the end."""


VALIDATION = DenoiseOptions()
"""Validation always has the paper's noise, so that runs can be compared."""


def problem(options: DenoiseOptions, _: Any) -> str:
    if options.infilling or options.permutation or options.deletion or options.rotation:
        return ""
    return say("no share of the text is damaged, so there is nothing to learn; set infilling: 0.3")


def plan(block: Block, context: PlanContext, options: DenoiseOptions) -> Examples:
    """Whole sentences of one document, as many as fit."""
    return full_rows(block, context, whole_sentences=True, across_documents=False)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: DenoiseOptions) -> Batch:
    """See `source_and_target.batch_of`. A target is [CLS], the text, [SEP]."""
    info, block = context.tokenizer, examples.block
    noise = options if context.training else VALIDATION
    first, last = np.array([info.cls_id]), np.array([info.sep_id])
    sources, targets, missing = [], [], []
    for (start, end), rng in zip(texts_of(examples, chosen), context.generator.of_rows(NOISE), strict=True):
        text, borders = block.tokens[start:end].astype(np.int64), block.sentence_offsets
        inside = borders[np.searchsorted(borders, start, "right") : np.searchsorted(borders, end, "left")]
        places = damaged(len(text), np.append(0, inside - start), noise, rng)
        sources.append(np.concatenate([first, np.where(places == MASK, info.mask_id, text[places]), last]))
        targets.append(np.concatenate([first, text, last]))
        missing.append(np.pad(~np.isin(np.arange(len(text)), places), 1))
    return batch_of(sources, targets, missing, info.pad_id)


def damaged(size: int, sentences: np.ndarray, options: DenoiseOptions, rng: Random) -> np.ndarray:
    """(m,) the places of a text of `size` tokens as its source has them, MASK for each span that was taken out; m <= size.

    `sentences`: the place of the first token of each sentence. Only places of text move: special tokens and padding are
    added afterwards.
    """
    places = reordered(sentences, size, options.permutation, rng)
    lengths = poisson_lengths(share_of(size, options.infilling), options.mean_span, rng)
    places = masked(places, scattered(lengths, size, rng))
    places = thinned(places, share_of(len(places), options.deletion), rng)
    return rotated(places, rng) if rng.random() < options.rotation else places


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: DenoiseOptions) -> dict[str, Term]:
    return target_terms(models, batch, HEADLINE)


OBJECTIVE = Objective(
    name="denoise",
    paper="Lewis et al. 2020, section 2.2",
    options=DenoiseOptions,
    models=only_student(TARGET_TOKEN),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=partial(target_counts, headline=HEADLINE),
    headline=HEADLINE,
    figures=figures(HEADLINE, "Denoising loss"),
    use="infill",
    problem=problem,
    per_phase=("infilling", "mean_span", "permutation", "deletion", "rotation"),
    writes=True,
)
