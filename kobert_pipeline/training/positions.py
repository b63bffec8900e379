"""How long an input a model takes."""

from __future__ import annotations

from typing import Any


def positions(config: Any) -> int:
    """The longest input, in pieces, of a model with this configuration of transformers. RoBERTa counts its positions from
    behind the padding's number."""
    limit = getattr(config, "max_position_embeddings", None) or 2**30
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(limit) - int(offset)
