"""The longest input that a model accepts."""

from __future__ import annotations

from typing import Any


def positions(config: Any) -> int:
    """Returns the longest input, in tokens, of a model with this transformers configuration. RoBERTa's first position
    is `pad_token_id` + 1."""
    limit = getattr(config, "max_position_embeddings", None) or 2**30
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(limit) - int(offset)
