"""T5's span corruption: the decoder writes the spans that were taken out of a text, each after its sentinel (Raffel et al. 2020,
section 3.1.4), or UL2's mixture of denoisers (Tay et al. 2022, section 3.1).

Shapes: B examples, a source of L tokens, a target of T tokens, n tokens of one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import InputError, WrongValue
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.noise import Random, Spans, parts_of, scattered, share_of
from kobert_pipeline.masking.sentinels import corrupted
from kobert_pipeline.objectives.objective import (
    Batch,
    BatchContext,
    Chance,
    Learners,
    Objective,
    Term,
    TextFigures,
    TokenizerInfo,
    only_student,
)
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

HEADLINE = "span_corruption"
SENTINEL = "<extra_id_{}>"


class Denoiser(NamedTuple):
    """How spans are taken out of a text."""

    density: float
    """Share of the tokens that are taken out; its mean where there is no `mean_span`."""
    mean_span: float | None
    """Tokens; None: one span, the end of the text, from one token to twice the share."""
    mode: str = ""
    """The token that tells the model which kind of denoiser this is."""


UL2 = (
    Denoiser(0.15, 3, "[R]"), Denoiser(0.15, 8, "[R]"), Denoiser(0.25, None, "[S]"),
    Denoiser(0.5, 3, "[X]"), Denoiser(0.5, 8, "[X]"), Denoiser(0.15, 64, "[X]"), Denoiser(0.5, 64, "[X]"),
)  # fmt: skip
"""Tay et al. 2022, table 1: regular, sequential and extreme denoising, each as often as any other."""
MODES = ("[R]", "[S]", "[X]")
T5 = Denoiser(0.15, 3)


class SpanCorruptionOptions(Config):
    noise_density: float = Field(0.15, gt=0, lt=1)
    """Share of the tokens that are taken out."""
    mean_span: float = Field(3.0, ge=1)
    """Mean length of the spans, in tokens. Every division into so many spans is as likely as any other."""
    denoisers: Literal["t5", "ul2"] = "t5"
    """`ul2`: seven denoisers, each with a token of its mode in front of the source. They have their own shares and lengths."""
    sentinels: int = Field(100, gt=1)
    """Tokens `<extra_id_0>`, `<extra_id_1>`, … of the tokenizer."""

    @model_validator(mode="after")
    def _ul2_has_its_own_shares(self) -> Self:
        if self.denoisers == "ul2" and (self.noise_density, self.mean_span) != (0.15, 3.0):
            raise WrongValue("denoisers: ul2 has its own noise_density and mean_span; leave them out")
        return self

    @property
    def mixture(self) -> tuple[Denoiser, ...]:
        return UL2 if self.denoisers == "ul2" else (Denoiser(self.noise_density, self.mean_span),)

    @property
    def validation(self) -> Denoiser:
        """Takes out what T5 does, so that runs can be compared."""
        return UL2[0] if self.denoisers == "ul2" else T5


def special_tokens(options: SpanCorruptionOptions) -> tuple[str, ...]:
    sentinels = tuple(SENTINEL.format(number) for number in range(options.sentinels))
    return (*sentinels, *(MODES if options.denoisers == "ul2" else ()))


def length_problem(options: SpanCorruptionOptions, max_length: int) -> str:
    """A text needs a sentinel for each span, and one for the end."""
    most = max(_span_count(denoiser, max_length) for denoiser in (*options.mixture, T5)) + 1
    if most <= options.sentinels:
        return ""
    return say(
        "texts of {length} tokens need {most} sentinels; set sentinels: {most}, or shorten the texts",
        length=max_length,
        most=most,
    )


def _span_count(denoiser: Denoiser, size: int) -> int:
    if denoiser.mean_span is None:
        return 1
    count = share_of(size, denoiser.density)
    return max(1, min(round(count / denoiser.mean_span), count, size - count + 1))


def plan(block: Block, context: PlanContext, options: SpanCorruptionOptions) -> Examples:
    """Stretches of one document, as long as fit. A source is never longer than its text and, for UL2, one token."""
    mode = int(options.denoisers == "ul2")
    return full_rows(block, replace(context, max_length=context.max_length - mode), across_documents=False)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: SpanCorruptionOptions) -> Batch:
    """See `source_and_target.batch_of`. A source is [CLS], a mode (UL2), the corrupted text, [SEP]; a target ends with [SEP].

    T5 has no [CLS]; here all models read it.
    """
    info, own = context.tokenizer, own_ids(context.tokenizer, special_tokens(options))
    sentinels = np.array([own[SENTINEL.format(number)] for number in range(options.sentinels)])
    extra = np.append(sentinels, info.sep_id)
    sources, targets, missing = [], [], []
    for (start, end), rng in zip(texts_of(examples, chosen), context.generator.of_rows(NOISE), strict=True):
        denoiser = _draw(options.mixture, rng) if context.training else options.validation
        text = examples.block.tokens[start:end].astype(np.int64)
        source, target = corrupted(text, taken_out(len(text), denoiser, rng), sentinels)
        first = [info.cls_id, *([own[denoiser.mode]] if denoiser.mode else [])]
        sources.append(np.concatenate([first, source, [info.sep_id]]))
        targets.append(np.append(target, info.sep_id))
        missing.append(~np.isin(targets[-1], extra))
    return batch_of(sources, targets, missing, info.pad_id)


def _draw(mixture: tuple[Denoiser, ...], rng: Random) -> Denoiser:
    return mixture[int(rng.integers(len(mixture)))]


def own_ids(info: TokenizerInfo, tokens: Sequence[str]) -> dict[str, int]:
    """The ids of the objective's special tokens. The tokenizer of a run has them all; another one lends its unused tokens.

    Raises InputError if there are too few.
    """
    lacking = [token for token in tokens if token not in info.special]
    if len(lacking) > len(info.unused):
        raise InputError(
            "The tokenizer has no special token {token}, which objective 'span_corruption' needs. Build it with this recipe.",
            token=lacking[0],
        )
    return {**info.special, **dict(zip(lacking, info.unused.tolist(), strict=False))}


def taken_out(size: int, denoiser: Denoiser, rng: Random) -> Spans:
    """The spans that leave a text of `size` tokens. With a mean length, they may be anywhere; the released code of T5 always
    takes the last token, and never the first."""
    if denoiser.mean_span is None:
        length = int(rng.integers(1, max(2, round(2 * size * denoiser.density) + 1)))
        return Spans(np.array([size - length]), np.array([length]))
    lengths = parts_of(share_of(size, denoiser.density), _span_count(denoiser, size), rng)
    return scattered(lengths, size, rng)


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: SpanCorruptionOptions) -> dict[str, Term]:
    return target_terms(models, batch, HEADLINE)


def entropy_of_targets(text: TextFigures, _: SpanCorruptionOptions) -> float:
    """Of validation, where a sentinel comes after three tokens. A model that knows this knows the sentinels."""
    return text.unigram_entropy * 3 / 4


OBJECTIVE = Objective(
    name="span_corruption",
    paper="Raffel et al. 2020, section 3.1.4",
    options=SpanCorruptionOptions,
    models=only_student(TARGET_TOKEN),
    plan=plan,
    collate=collate,
    loss=loss,
    counts=partial(target_counts, headline=HEADLINE),
    headline=HEADLINE,
    figures=figures(HEADLINE, "Span corruption loss"),
    chance=Chance("unigram entropy of the spans, without their sentinels", entropy_of_targets),
    use="infill",
    special_tokens=special_tokens,
    length_problem=length_problem,
    writes=True,
)
