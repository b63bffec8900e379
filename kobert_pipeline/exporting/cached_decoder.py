"""A decoder with its cache as inputs and outputs, so that text is written token by token without reading it again.

Shapes: B texts, L new tokens, P tokens that were read before. A cache has a key and a value (B, heads, P, size) for each layer.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from kobert_pipeline.exporting.onnx_file import ROWS, Graph
from kobert_pipeline.exporting.source_model import SENTENCES, SourceModel
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.reading_order import sees_the_past_alone

PARTS = ("key", "value")


class CachedDecoder(nn.Module):
    """`forward(input_ids (B, L), attention_mask (B, P + L), *past)` -> logits (B, L, V), and the cache of P + L tokens.

    Positions count from the first token that is not padding.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *columns: Tensor) -> tuple[Tensor, ...]:
        from transformers import DynamicCache

        input_ids, attention_mask, *past = columns
        cache = DynamicCache()
        for layer, (key, value) in enumerate(zip(past[::2], past[1::2], strict=True)):
            cache.update(key, value, layer)
        positions = (attention_mask.cumsum(-1) - 1).clamp_min(0)[:, past[0].shape[2] :]
        found = self.network(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        layers = found.past_key_values.layers
        return found.logits, *(part for layer in layers for part in (layer.keys, layer.values))


def cache_names(layers: int, prefix: str) -> list[str]:
    """`past.0.key`, `past.0.value`, `past.1.key`, …"""
    return [f"{prefix}.{layer}.{part}" for layer in range(layers) for part in PARTS]


def empty_cache(source: SourceModel, batch: int) -> list[Tensor]:
    """The cache before the first token: P = 0."""
    config = source.network.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return [torch.zeros(batch, heads, 0, size) for _ in range(2 * config.num_hidden_layers)]


def cached_graph(source: SourceModel) -> Graph:
    """Raises InputError for a model that does not write, or writes without a cache."""
    if not sees_the_past_alone(source.network.config) or "logits" not in source.outputs:
        raise InputError(
            "{folder}: {kind} here does not write text, so it has no cache. Leave out --cache.",
            folder=source.folder,
            kind=source.kind,
        )
    if "past_key_values" not in inspect.signature(source.network.forward).parameters:
        raise InputError(
            "{folder}: transformers' {kind} has no cache: it reads the whole text for each token. Leave out --cache.",
            folder=source.folder,
            kind=source.kind,
        )
    layers = source.network.config.num_hidden_layers
    batch = source.batch(SENTENCES[:3])
    module = CachedDecoder(source.network)
    _, *past = module(batch["input_ids"], batch["attention_mask"], *empty_cache(source, len(batch["input_ids"])))
    mask = torch.cat([batch["attention_mask"]] * 2, dim=1)
    return Graph(
        module,
        (batch["input_ids"], mask, *past),
        ("input_ids", "attention_mask", *cache_names(layers, "past")),
        ("logits", *cache_names(layers, "present")),
        (ROWS, {0: "batch", 1: "past_and_length"}, *({0: "batch", 2: "past"},) * len(past)),
    )
