"""Llama (Touvron et al. 2023): pre-norm with RMSNorm, rotary positions, SwiGLU, no biases; a token sees those before it. Around
transformers' `LlamaForCausalLM`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from kobert_pipeline.architectures.architecture import (
    Architecture,
    ModelSpec,
    Weights,
    choose_attention,
    require_even_heads,
)
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import WrongValue

if TYPE_CHECKING:
    from torch import nn


class LlamaSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is an even multiple of it."""
    key_value_heads: int | None = Field(None, gt=0)
    """Heads of keys and values, each shared by equally many attention heads (Ainslie et al. 2023); null: one for each."""
    feed_forward: int = Field(gt=0)
    """Width of the gated layer's inside."""
    positions: int = Field(2048, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    """Of attention alone: the architecture has no other."""

    @model_validator(mode="after")
    def _heads_are_even(self) -> Self:
        require_even_heads(self.hidden, self.heads, rotary=True)
        if self.key_value_heads and self.heads % self.key_value_heads:
            raise WrongValue(
                "heads {heads} is not a multiple of key_value_heads {key_value_heads}; change one of them",
                heads=self.heads,
                key_value_heads=self.key_value_heads,
            )
        return self


SIZES = MappingProxyType(
    {
        "mini": LlamaSizes(layers=4, hidden=256, heads=4, feed_forward=704),
        "small": LlamaSizes(layers=6, hidden=512, heads=8, feed_forward=1408),
        "base": LlamaSizes(layers=12, hidden=768, heads=12, feed_forward=2048),
        "large": LlamaSizes(layers=24, hidden=1024, heads=16, feed_forward=2752),
    }
)
"""Ours, about as large as GPT-2's of that name: the gated layer is two thirds as wide (Touvron et al. 2023, section 2.2)."""

ATTENTIONS = ("eager", "sdpa", "flex_attention")
HEADS = MappingProxyType({"next_token": lambda model, hidden: model.lm_head(hidden)})
WEIGHTS = Weights(
    "llama",
    {
        "num_hidden_layers": "layers",
        "hidden_size": "hidden",
        "num_attention_heads": "heads",
        "num_key_value_heads": "key_value_heads",
        "intermediate_size": "feed_forward",
    },
    ("hidden_act", "rms_norm_eps", "rope_parameters", "attention_bias", "mlp_bias"),
)


def build(sizes: LlamaSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = LlamaConfig(
        vocab_size=spec.vocab_size,
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.hidden,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.key_value_heads or sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        attention_dropout=sizes.dropout,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        tie_word_embeddings=spec.tied,
        attn_implementation=choose_attention(spec.attention, ATTENTIONS),
    )
    return Wrapped(LlamaForCausalLM(config), ("input_ids",), HEADS, causal=True)


ARCHITECTURE = Architecture(
    name="llama",
    paper="Touvron et al. 2023",
    sizes=LlamaSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    causal=True,
)
