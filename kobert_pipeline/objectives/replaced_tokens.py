"""ELECTRA's objective: a small generator fills in masked tokens, and the student finds which tokens are not the original ones.

Shapes: B rows of L tokens, H hidden size, V vocabulary, n masked positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import VALIDATION, Block, Store
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.generators import LOW, RowGenerator, uniform
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.masked import PER_PHASE, MaskedOptions, annotations_read, masked_batch
from kobert_pipeline.objectives.objective import (
    GENERATOR,
    STUDENT,
    Batch,
    BatchContext,
    Chance,
    Figure,
    Learners,
    Measure,
    Objective,
    Role,
    Term,
    TextFigures,
    TokenizerInfo,
)
from kobert_pipeline.objectives.rows import assemble

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HEADLINE, ACCURACY = "replaced", "replaced_accuracy"
DRAWS = "draws"
"""(B, L) float32 in [0, 1): by which number the generator's token is drawn at each position."""
DRAWING = 3
"""Purpose of random words."""
TABLES = ("word_embeddings", "tok_embeddings", "position_embeddings", "token_type_embeddings")
"""What generator and discriminator share (Clark et al. 2020, section 3.2)."""
ROWS = 16
"""Rows of a batch on which precision and recall are measured."""


class ReplacedTokensOptions(MaskedOptions):
    mask_share: float = Field(1.0, ge=0, le=1)
    """The generator reads [MASK] at every selected position (Clark et al. 2020, section 2)."""
    random_share: float = Field(0.0, ge=0, le=1)
    generator_width: float = Field(0.25, gt=0, le=1)
    """The generator's heads, hidden size and feed-forward size as a share of the student's. A quarter for small and large
    models, a third for base (Clark et al. 2020, table 6). 1 is as wide as the student."""
    generator_depth: float = Field(1.0, gt=0, le=1)
    """The generator's layers as a share of the student's. Half in DeBERTaV3 (He et al. 2021, section 4.1)."""
    embedding_sharing: Literal["auto", "shared", "gradient_disentangled", "none"] = "auto"
    """`shared`: both models have one table of token, position and segment embeddings. `gradient_disentangled`: the student's
    token embeddings are the generator's, which it does not train, plus its own difference (He et al. 2021, DeBERTaV3,
    section 3.3). `auto` shares where both tables are equally wide."""
    discriminator_weight: float = Field(50.0, gt=0)
    """Weight of the student's loss next to the generator's (Clark et al. 2020, appendix A)."""

    @model_validator(mode="after")
    def _labels_stay_in_place(self) -> ReplacedTokensOptions:
        if self.fixed_predictions:
            raise WrongValue("fixed_predictions is not offered: every token has a label")
        return self


def models(options: ReplacedTokensOptions) -> dict[str, Role]:
    return {STUDENT: Role((HEADLINE,)), GENERATOR: Role(("tokens",), generator_sizes)}


def generator_sizes(options: ReplacedTokensOptions, sizes: Any) -> Any:
    """Fewer heads of the same size."""
    heads = max(1, round(sizes.heads * options.generator_width))
    changes = {
        "layers": max(1, round(sizes.layers * options.generator_depth)),
        "heads": heads,
        "hidden": heads * (sizes.hidden // sizes.heads),
        "feed_forward": max(1, round(sizes.feed_forward * options.generator_width)),
    }
    return sizes.model_copy(update=changes)


def problem(options: ReplacedTokensOptions, sizes: Any) -> str:
    """Why options and the student's sizes do not fit."""
    smaller = generator_sizes(options, sizes)
    if options.generator_width < 1 and smaller.heads == sizes.heads:
        return say(
            "generator_width {width:g} of {heads} heads is {smaller} heads: the generator would be as wide as the student; set generator_width: 1 if that is wanted",
            width=options.generator_width,
            heads=sizes.heads,
            smaller=smaller.heads,
        )
    if options.embedding_sharing in ("shared", "gradient_disentangled") and not _equally_wide(smaller, sizes):
        return say(
            "embedding_sharing {kind} needs models whose embeddings are equally wide; set embedding_sharing: none, or generator_width: 1 with a smaller generator_depth",
            kind=options.embedding_sharing,
        )
    return ""


def _equally_wide(one: Any, other: Any) -> bool:
    """Embeddings are as wide as the layers, unless the architecture gives them a width of their own."""
    return "embedding" in type(one).model_fields or bool(one.hidden == other.hidden)


def share(options: ReplacedTokensOptions, models: Any) -> None:
    """The generator reads, and scores with, the student's tables; or the student reads the generator's, plus a difference."""
    generator, student = models[GENERATOR].transformer, models.student.transformer
    words, others = (model.get_input_embeddings() for model in (generator, student))
    if options.embedding_sharing == "gradient_disentangled":
        from kobert_pipeline.objectives.disentangled_embeddings import disentangle

        disentangle(others, words)
        return
    if options.embedding_sharing == "none" or words.weight.shape != others.weight.shape:
        return
    own, shared = generator.base_model.embeddings, student.base_model.embeddings
    for table in TABLES:
        if getattr(shared, table, None) is not None:
            setattr(own, table, getattr(shared, table))
    generator.tie_weights()


# --- batches ---------------------------------------------------------------------------------------------------------


def plan(block: Block, context: PlanContext, options: ReplacedTokensOptions) -> Examples:
    return full_rows(block, context)


def collate(examples: Examples, chosen: np.ndarray, context: BatchContext, options: ReplacedTokensOptions) -> Batch:
    """As `mlm`, and `draws`. They are drawn here, by row, so that what the generator writes depends neither on the device nor
    on the number of ranks."""
    import torch

    batch = masked_batch(assemble(examples, chosen, context.tokenizer, numbered=False), context, options)
    words = context.generator.words(DRAWING, batch["input_ids"].shape[1])
    return batch | {DRAWS: torch.from_numpy(uniform(words & LOW).astype(np.float32))}


# --- loss ------------------------------------------------------------------------------------------------------------


def loss(models: Learners, batch: Batch, generator: torch.Generator, options: ReplacedTokensOptions) -> dict[str, Term]:
    """The generator's cross-entropy over masked positions, and the student's over all tokens but padding (Clark et al. 2020,
    section 2). No gradient passes from the student to the generator through the drawn tokens."""
    from torch.nn import functional

    masked, real = batch["labels"] != IGNORE_INDEX, batch["attention_mask"].bool()
    labels = batch["labels"][masked]
    guesses = models[GENERATOR].logits("tokens", models[GENERATOR].hidden(batch)[masked]).float()
    filled, replaced = fill(batch, masked, guesses)
    scores = models.student.logits(HEADLINE, models.student.hidden(batch | {"input_ids": filled})).float()[real]
    is_replaced = replaced[real]
    detection = functional.binary_cross_entropy_with_logits(scores, is_replaced.float(), reduction="sum")
    by_token, by_mask = real.sum().float(), masked.sum().float()
    return {
        HEADLINE: Term(detection, by_token, options.discriminator_weight),
        ACCURACY: Term(((scores > 0) == is_replaced).sum().float(), by_token, 0.0),
        "generator": Term(functional.cross_entropy(guesses, labels, reduction="sum"), by_mask),
        "generator_accuracy": Term((guesses.argmax(-1) == labels).sum().float(), by_mask, 0.0),
    }


def fill(batch: Batch, masked: Tensor, guesses: Tensor) -> tuple[Tensor, Tensor]:
    """The text with a token drawn at each masked position, and where it differs from the original: both (B, L).

    `guesses` (n, V): the generator's logits. A token is drawn by inverting their distribution function, at temperature 1.
    """
    import torch

    below = guesses.detach().softmax(dim=-1).cumsum(dim=-1)
    points = batch[DRAWS][masked][:, None] * below[:, -1:]
    drawn = torch.searchsorted(below, points, right=True).squeeze(1).clamp(max=guesses.shape[-1] - 1)
    filled = batch["input_ids"].masked_scatter(masked, drawn)
    return filled, masked & (filled != batch["labels"])


def counts(batch: Batch) -> dict[str, Tensor]:
    by_token, by_mask = batch["attention_mask"].sum().float(), (batch["labels"] != IGNORE_INDEX).sum().float()
    return {HEADLINE: by_token, ACCURACY: by_token, "generator": by_mask, "generator_accuracy": by_mask}


# --- measures --------------------------------------------------------------------------------------------------------


def validation_rows(store: Store, number: int, longest: int, info: TokenizerInfo) -> list[Batch]:
    """At most `number` full rows of validation text, the same for every run."""
    batches: list[Batch] = []
    for place, files in enumerate(store.blocks(VALIDATION) if number else ()):
        examples = full_rows(store.read(files), PlanContext(0, 0, place, 0, longest))
        for begin in range(0, min(len(examples), number), ROWS):
            chosen = np.arange(begin, min(begin + ROWS, len(examples), number))
            random = RowGenerator(0, place, first=begin, rows=len(chosen), width=longest)
            batches.append(
                collate(examples, chosen, BatchContext(info, random, training=False), ReplacedTokensOptions())
            )
        number -= min(len(examples), number)
    return batches


def precision_and_recall(models: Learners, batches: Sequence[Batch], device: torch.device) -> tuple[float, float]:
    """The share of tokens judged to be replaced that are, and the share of replaced tokens that are judged so; 0 of none."""
    found, judged, replaced = _detected(models, batches, device)
    return found / max(1, judged), found / max(1, replaced)


def _detected(models: Learners, batches: Sequence[Batch], device: torch.device) -> tuple[int, int, int]:
    """Tokens that are replaced and judged so, that are judged so, that are replaced."""
    import torch

    sums = torch.zeros(3, dtype=torch.int64)
    with torch.no_grad():
        for given in batches:
            batch = {name: tensor.to(device) for name, tensor in given.items()}
            masked, real = batch["labels"] != IGNORE_INDEX, batch["attention_mask"].bool()
            guesses = models[GENERATOR].logits("tokens", models[GENERATOR].hidden(batch)[masked]).float()
            filled, replaced = fill(batch, masked, guesses)
            states = models.student.hidden(batch | {"input_ids": filled})
            judged = (models.student.logits(HEADLINE, states) > 0) & real
            sums += torch.stack([(judged & replaced).sum(), judged.sum(), replaced.sum()]).cpu()
    found, judged_so, are_so = sums.tolist()
    return found, judged_so, are_so


def _entropy_of_the_mask_rate(_: TextFigures, options: ReplacedTokensOptions) -> float:
    share = options.validation_probability
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


OBJECTIVE = Objective(
    name="replaced_tokens",
    paper="Clark et al. 2020, section 2",
    options=ReplacedTokensOptions,
    models=models,
    plan=plan,
    collate=collate,
    loss=loss,
    counts=counts,
    headline=HEADLINE,
    figures=(
        Figure(HEADLINE, "Replaced token detection loss", "nats", better=-1),
        Figure(ACCURACY, "Tokens judged right", "share"),
        Figure("generator", "Masked language model loss of the generator", "nats", better=-1),
        Figure("generator_accuracy", "Masked tokens that the generator predicts right", "share"),
    ),
    chance=Chance("entropy of the mask rate", _entropy_of_the_mask_rate),
    measures=(
        Measure(
            (
                Figure("replaced_precision", "Precision of replaced", "share"),
                Figure("replaced_recall", "Recall of replaced", "share"),
            ),
            validation_rows,
            precision_and_recall,
        ),
    ),
    use="detect_replaced",
    share=share,
    annotations=annotations_read,
    per_phase=PER_PHASE,
    problem=problem,
)
