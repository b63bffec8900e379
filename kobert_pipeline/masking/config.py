"""Settings of masking, which a recipe sets under its objective."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import WrongValue

Unit = Literal["subword", "eojeol", "morpheme", "span", "ngram", "entity", "phrase"]


class MaskingConfig(Config):
    unit: Unit = "subword"
    """What is masked whole: a token (Devlin et al. 2019), an eojeol (BERT's whole-word masking, 2019 code release), a
    morpheme (the dataset needs `morphemes: true`), a span of eojeols (SpanBERT, Joshi et al. 2020), or an n-gram of
    eojeols (ALBERT, Lan et al. 2020). `entity` and `phrase` (ERNIE, Sun et al. 2019, section 3.2) need morphemes, too: what
    is masked whole is a run of proper nouns, or of nouns with their numerals and affixes; all else goes by morphemes."""
    mlm_probability: float = Field(0.15, gt=0, lt=1)
    """Share of each row's maskable tokens that is selected, rounded, at least one token. Whole units are taken while
    they fit, so a row may select a token or two fewer."""
    mask_share: float = Field(0.8, ge=0, le=1)
    """Share of the selected tokens that becomes [MASK]."""
    random_share: float = Field(0.1, ge=0, le=1)
    """Share of the selected tokens that becomes a random token. The others stay as they are."""
    max_predictions: int | None = Field(None, gt=0)
    """The most tokens that are selected in a row."""
    fixed_predictions: bool = False
    """Give labels as `max_predictions` slots per row, unused ones empty. Then a compiler knows every shape, and nothing
    waits for a GPU to count them."""
    span_probability: float = Field(0.2, gt=0, lt=1)
    """The length of a span in eojeols is geometric with this parameter …"""
    max_span: int = Field(10, gt=0)
    """… and at most this (Joshi et al. 2020, section 3.1). Also the most eojeols of an n-gram, 3 in the paper; the
    probability of n is proportional to 1 / n (Lan et al. 2020, section 4.1)."""

    @model_validator(mode="after")
    def _fits(self) -> MaskingConfig:
        if self.mask_share + self.random_share > 1:
            raise WrongValue(
                "mask_share + random_share is {share}, more than 1", share=self.mask_share + self.random_share
            )
        if self.fixed_predictions and self.max_predictions is None:
            raise WrongValue("fixed_predictions needs max_predictions, the number of slots")
        return self
