"""The longest input that a model accepts."""

from __future__ import annotations

import re
from typing import Any

UNLIMITED = 2**30
_NAME = re.compile(r"(char_)?position_embeddings?|embed_positions|wpe")
"""What transformers calls a table of absolute positions. A table of relative ones has another name, and sets no limit."""


def positions(config: Any, *, trust_remote_code: bool = False) -> int:
    """Returns the longest input, in tokens, of a model with this transformers configuration. It builds the model without
    memory, and asks that."""
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        return longest_input(AutoModel.from_config(config, trust_remote_code=trust_remote_code))


def longest_input(model: Any) -> int:
    """Returns the longest input, in tokens, of a model of transformers.

    Its table of positions decides, less the rows that stand for padding: RoBERTa's first token has position
    `padding_idx` + 1, OPT's has position `offset`.
    """
    named = getattr(model.config, "max_position_embeddings", None) or UNLIMITED
    limits = [named if named > 0 else UNLIMITED]  # XLNet, which has no limit, names -1
    for name, module in model.named_modules():
        table = getattr(module, "weight", None)
        if table is not None and table.ndim == 2 and _NAME.fullmatch(name.rpartition(".")[2]):
            limits.append(len(table) - _offset(module))
        numbers = getattr(module, "position_ids", None)
        if numbers is not None:
            limits.append(int(numbers.shape[-1]))
    return min(limits)


def _offset(table: Any) -> int:
    padding = getattr(table, "padding_idx", None)
    return int(getattr(table, "offset", 0)) if padding is None else int(padding) + 1
