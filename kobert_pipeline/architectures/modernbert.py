"""ModernBERT (Warner et al. 2024): pre-norm, rotary positions, GeGLU, no biases, alternating global and local attention.

Around transformers' `ModernBertForMaskedLM`. It has no segment numbers and no pair head.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from kobert_pipeline.architectures.architecture import (
    REPLACED,
    REPLACED_LABELS,
    Architecture,
    ModelSpec,
    Weights,
    choose_attention,
    of_two_labels,
    require_even_heads,
)
from kobert_pipeline.architectures.varlen import VARLEN
from kobert_pipeline.ground.config import Config

if TYPE_CHECKING:
    from torch import nn

    from kobert_pipeline.training.muon import Split


class ModernBertSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is an even multiple of it."""
    feed_forward: int = Field(gt=0)
    """Width of the gated layer's inside (half of what its input matrix gives)."""
    positions: int = Field(8192, gt=0)
    local_attention: int = Field(128, gt=0)
    """Window, in tokens, of the local layers; every third layer sees everything."""
    dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_are_even(self) -> Self:
        require_even_heads(self.hidden, self.heads, rotary=True)
        return self


SIZES = MappingProxyType(
    {
        "mini": ModernBertSizes(layers=4, hidden=256, heads=4, feed_forward=512),
        "small": ModernBertSizes(layers=6, hidden=512, heads=8, feed_forward=768),
        "base": ModernBertSizes(layers=22, hidden=768, heads=12, feed_forward=1152),
        "large": ModernBertSizes(layers=28, hidden=1024, heads=16, feed_forward=2624),
    }
)
"""Base and large: Warner et al. 2024, table 4. Mini and small: ours, about as large as BERT's of that name."""

ATTENTIONS = ("eager", "sdpa", "flex_attention", VARLEN)
HEADS = MappingProxyType(
    {
        "tokens": lambda model, hidden: model.decoder(model.head(hidden)),
        REPLACED: lambda model, hidden: of_two_labels(model.classifier(model.drop(model.head(hidden)))),
    }
)
WEIGHTS = Weights(
    "modernbert",
    {
        "num_hidden_layers": "layers",
        "hidden_size": "hidden",
        "num_attention_heads": "heads",
        "intermediate_size": "feed_forward",
        "local_attention": "local_attention",
    },
    (
        "hidden_activation", "layer_types", "rope_parameters", "norm_eps", "norm_bias", "attention_bias", "mlp_bias",
        "decoder_bias", "classifier_bias", "max_position_embeddings",
    ),
)  # fmt: skip


def build(sizes: ModernBertSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import ModernBertConfig, ModernBertForMaskedLM, ModernBertForTokenClassification

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = ModernBertConfig(
        vocab_size=spec.vocab_size,
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.hidden,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        local_attention=sizes.local_attention,
        embedding_dropout=sizes.dropout,
        mlp_dropout=sizes.dropout,
        attention_dropout=sizes.dropout,
        pad_token_id=spec.pad_id,
        tie_word_embeddings=spec.tied,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        cls_token_id=spec.cls_id,
        sep_token_id=spec.sep_id,
        classifier_dropout=sizes.dropout,
        attn_implementation=choose_attention(spec.attention, ATTENTIONS),
        **(REPLACED_LABELS if REPLACED in heads else {}),
    )
    model: Any = (ModernBertForTokenClassification if REPLACED in heads else ModernBertForMaskedLM)(config)
    return Wrapped(
        model,
        ("input_ids",),
        HEADS,
        windows={"full_attention": None, "sliding_attention": config.sliding_window},
    )


def fused(module: nn.Module) -> dict[nn.Parameter, Split]:
    """Queries, keys and values lie one after the other, and so do the two halves of the gated layer."""
    import torch
    from transformers.models.modernbert.modeling_modernbert import ModernBertAttention, ModernBertMLP

    found: dict[nn.Parameter, Split] = {}
    for part in module.modules():
        if isinstance(part, ModernBertAttention):
            found[part.Wqkv.weight] = partial(torch.chunk, chunks=3)
        elif isinstance(part, ModernBertMLP):
            found[part.Wi.weight] = partial(torch.chunk, chunks=2)
    return found


ARCHITECTURE = Architecture(
    name="modernbert",
    paper="Warner et al. 2024",
    sizes=ModernBertSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    fused=fused,
)
