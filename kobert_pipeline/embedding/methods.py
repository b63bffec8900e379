"""The ways to train sentence embeddings: METHODS. Losses are those of sentence-transformers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kobert_pipeline.embedding.config import EmbeddingConfig, Method, StepConfig
from kobert_pipeline.embedding.pair_files import (
    HIGHEST,
    klue_pairs,
    klue_triplets,
    read_pairs,
    read_sentences,
    read_triplets,
)
from kobert_pipeline.ground.errors import InputError, RecipeError

DELETED = 0.6
"""Share of the eojeols that TSDAE deletes (Wang et al. 2021, section 3)."""


@dataclass(frozen=True)
class Source:
    """What a step reads."""

    config: EmbeddingConfig
    step: StepConfig
    corpus: Path | None

    @property
    def sentences(self) -> list[str]:
        if self.corpus is None:
            raise RecipeError("{method} needs sentences: name a run, or `--corpus FILE`.", method=self.step.method)
        return read_sentences(self.corpus, self.step.sentences)

    def both(self, klue: Callable[[str], list[Any]], file: str | None, read: Callable[[str], list[Any]]) -> list[Any]:
        """What KLUE and a file have."""
        if self.config.klue is None and file is None:
            raise RecipeError(
                "{method} needs labelled pairs: name KLUE's data (--klue) or a file of your own.",
                method=self.step.method,
            )
        return [*(klue(self.config.klue) if self.config.klue else []), *(read(file) if file else [])]


@dataclass(frozen=True)
class TrainingMethod:
    paper: str
    rows: Callable[[Source], Any]
    """A dataset of Hugging Face, with the columns that the loss reads in their order."""
    loss: Callable[[Any], Any]
    """A model of sentence-transformers -> the loss."""
    epochs: float
    batch_size: int
    learning_rate: float
    contrasts: bool = False
    """Whether the other rows of a batch are negatives, so that a batch may not hold a text twice."""
    own_dropout: bool = False
    """Whether training depends on dropout."""


def _views(source: Source) -> Any:
    from datasets import Dataset

    sentences = source.sentences
    return Dataset.from_dict({"anchor": sentences, "positive": sentences})


def _damaged(source: Source) -> Any:
    from datasets import Dataset

    sentences, generator = source.sentences, random.Random(source.config.seed)
    return Dataset.from_dict({"damaged": [without_most(text, generator) for text in sentences], "text": sentences})


def without_most(text: str, generator: random.Random) -> str:
    """The text without about six in ten of its eojeols; one at least is left."""
    words = text.split()
    kept = [word for word in words if generator.random() >= DELETED]
    return " ".join(kept or [generator.choice(words)])


def _triplets(source: Source) -> Any:
    from datasets import Dataset

    rows = source.both(klue_triplets, source.config.nli_train, read_triplets)
    if not rows:
        raise InputError("nli: no premise has both an entailment and a contradiction, so there is nothing to train on.")
    return Dataset.from_dict(
        {name: [getattr(row, name) for row in rows] for name in ("anchor", "positive", "negative")}
    )


def _scored(source: Source) -> Any:
    from datasets import Dataset

    rows = source.both(lambda data: klue_pairs(data, "train"), source.config.sts_train, read_pairs)
    columns = {name: [getattr(row, name) for row in rows] for name in ("first", "second")}
    return Dataset.from_dict(columns | {"label": [row.score / HIGHEST for row in rows]})


def _in_batch(model: Any) -> Any:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    return MultipleNegativesRankingLoss(model)


def _denoising(model: Any) -> Any:
    from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss

    kind = model[0].model.config.model_type
    try:
        return DenoisingAutoEncoderLoss(model)
    except (ValueError, AttributeError, AssertionError):
        raise InputError(
            "tsdae needs a decoder with cross-attention, which transformers does not have for {kind}. Use simcse.",
            kind=kind,
        ) from None


def _cosent(model: Any) -> Any:
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss

    return CoSENTLoss(model)


METHODS: MappingProxyType[Method, TrainingMethod] = MappingProxyType(
    {
        "simcse": TrainingMethod(
            "Gao et al. 2021, section 3: the same sentence twice, with other dropout", _views, _in_batch, 1, 64, 3e-5,
            contrasts=True, own_dropout=True,
        ),
        "tsdae": TrainingMethod(
            "Wang et al. 2021: the sentence from the vector of what is left of it", _damaged, _denoising, 1, 16, 3e-5
        ),
        "nli": TrainingMethod(
            "Gao et al. 2021, section 4: entailment against contradiction and the rest of the batch", _triplets, _in_batch,
            1, 64, 2e-5, contrasts=True,
        ),
        "sts": TrainingMethod("Su 2022 (CoSENT): the order of similarities", _scored, _cosent, 4, 32, 2e-5),
    }
)  # fmt: skip
