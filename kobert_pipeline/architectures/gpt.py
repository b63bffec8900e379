"""GPT (Radford et al. 2018): learned positions, post-norm, GELU; a token sees those before it. Around transformers'
`OpenAIGPTLMHeadModel`, which keeps no keys and values while it writes: every new token reads the whole text again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from kobert_pipeline.architectures.architecture import (
    Architecture,
    ModelSpec,
    Weights,
    choose_attention,
    require_even_heads,
)
from kobert_pipeline.ground.config import Config

if TYPE_CHECKING:
    from torch import Tensor, nn


class GptSizes(Config):
    """The feed-forward layer is four times as wide as `hidden`; transformers' class allows no other width."""

    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    positions: int = Field(512, gt=0)
    """Longest sequence, in tokens, that the model will ever take."""
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_are_even(self) -> Self:
        require_even_heads(self.hidden, self.heads)
        return self


SIZES = MappingProxyType(
    {
        "mini": GptSizes(layers=4, hidden=256, heads=4),
        "small": GptSizes(layers=6, hidden=512, heads=8),
        "base": GptSizes(layers=12, hidden=768, heads=12),
        "large": GptSizes(layers=24, hidden=1024, heads=16),
    }
)
"""Base: Radford et al. 2018, section 4.1. The others: ours."""

ATTENTIONS = ("eager",)
HEADS = MappingProxyType({"next_token": lambda model, hidden: model.lm_head(hidden)})
WEIGHTS = Weights(
    "openai-gpt",
    {"num_hidden_layers": "layers", "hidden_size": "hidden", "num_attention_heads": "heads"},
    ("afn", "layer_norm_epsilon"),
)


def build(sizes: GptSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

    from kobert_pipeline.architectures.wrapped import Wrapped

    choose_attention(spec.attention, ATTENTIONS)
    config = OpenAIGPTConfig(
        vocab_size=spec.vocab_size,
        n_layer=sizes.layers,
        n_embd=sizes.hidden,
        n_head=sizes.heads,
        n_positions=sizes.positions,
        resid_pdrop=sizes.dropout,
        embd_pdrop=sizes.dropout,
        attn_pdrop=sizes.dropout,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        tie_word_embeddings=spec.tied,
    )
    return Wrapped(OpenAIGPTLMHeadModel(config), ("input_ids",), HEADS, mask="boolean", causal=True, encode=encode)


def encode(transformer: Any, inputs: dict[str, Any], mask: Any) -> Tensor:
    """The mask of packed rows goes straight to the layers: the model's own forward takes one that hides padding alone."""
    import torch

    if mask is None or mask.ndim == 2:
        states: Tensor = transformer.base_model(**inputs, attention_mask=mask).last_hidden_state
        return states
    base = transformer.base_model
    states = base.drop(base.tokens_embed(inputs["input_ids"]) + base.positions_embed(inputs["position_ids"]))
    added = torch.zeros_like(mask, dtype=states.dtype).masked_fill(~mask, torch.finfo(states.dtype).min)
    for layer in base.h:
        _see_as_far_as(layer.attn, mask.shape[-1])
        states = layer(states, added)[0]
    return states


def _see_as_far_as(attention: Any, length: int) -> None:
    """Enlarges the triangle that hides the future, which is only as large as the longest text. It is not a part of the weights."""
    import torch

    if attention.bias.shape[-1] < length:
        attention.bias = torch.ones(length, length, device=attention.bias.device).tril()[None, None]


def layers(module: Any) -> list[nn.Module]:
    """transformers does not mark them as layers."""
    found: list[nn.Module] = list(module.transformer.base_model.h)
    return found


ARCHITECTURE = Architecture(
    name="gpt",
    paper="Radford et al. 2018",
    sizes=GptSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    mask="boolean",
    causal=True,
    layers=layers,
)
