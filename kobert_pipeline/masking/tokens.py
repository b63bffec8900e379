"""Masking single pieces (Devlin et al. 2019, section 3.1), vectorised over the batch. Shapes: B rows of L pieces."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from kobert_pipeline.config import Config
from kobert_pipeline.masking.generators import RowGenerators

IGNORE_INDEX = -100
"""Label of a piece on which there is no loss."""


class MaskingConfig(Config):
    mlm_probability: float = Field(0.15, gt=0, lt=1)
    """Share of maskable pieces that are selected: exactly this share of each row, rounded, at least one."""
    mask_share: float = Field(0.8, ge=0, le=1)
    """Of the selected, the share that becomes [MASK]."""
    random_share: float = Field(0.1, ge=0, le=1)
    """Of the selected, the share that becomes a random piece; the rest stays as it is."""

    @model_validator(mode="after")
    def _shares_fit(self) -> MaskingConfig:
        if self.mask_share + self.random_share > 1:
            raise ValueError(f"mask_share + random_share is {self.mask_share + self.random_share}, more than 1")
        return self


def mask_tokens(
    input_ids: np.ndarray,
    maskable: np.ndarray,
    generators: RowGenerators,
    config: MaskingConfig,
    *,
    mask_id: int,
    replacements: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Corrupted copy of `input_ids` (B, L) and labels (B, L): the original piece where selected, else IGNORE_INDEX.

    `maskable` (B, L) is false on special tokens and padding. `replacements` are the pieces a random one is drawn from:
    neither special nor unused. A row's result depends on its own pieces and generator alone, not on other rows or padding.
    """
    length = input_ids.shape[1]
    draws = np.stack([generator.random((length, 3)) for generator in generators])
    selected = _select(draws[..., 0], maskable, config.mlm_probability)
    labels = np.where(selected, input_ids, IGNORE_INDEX)
    kind, choice = draws[..., 1], (draws[..., 2] * len(replacements)).astype(np.int64)
    corrupted = np.where(selected & (kind < config.mask_share), mask_id, input_ids)
    to_random = selected & (kind >= config.mask_share) & (kind < config.mask_share + config.random_share)
    return np.where(to_random, replacements[choice], corrupted), labels


def _select(keys: np.ndarray, maskable: np.ndarray, probability: float) -> np.ndarray:
    """The positions with the smallest keys: round(probability × maskable) of each row, at least one where there is one."""
    available = maskable.sum(axis=1)
    wanted = np.minimum(available, np.maximum(1, np.rint(probability * available)).astype(np.int64))
    order = np.argsort(np.where(maskable, keys, np.inf), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(keys.shape[1])[None, :], axis=1)
    selected: np.ndarray = ranks < wanted[:, None]
    return selected
