"""GPT-2 (Radford et al. 2019): learned positions, pre-norm, GELU; a token sees those before it. Around transformers'
`GPT2LMHeadModel`."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from kobert_pipeline.architectures.architecture import Architecture, ModelSpec, Weights, choose_attention
from kobert_pipeline.architectures.bert import BertSizes

if TYPE_CHECKING:
    from torch import nn

    from kobert_pipeline.training.muon import Split


class Gpt2Sizes(BertSizes):
    positions: int = Field(1024, gt=0)
    """Longest sequence, in tokens, that the model will ever take."""


SIZES = MappingProxyType(
    {
        "mini": Gpt2Sizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": Gpt2Sizes(layers=6, hidden=512, heads=8, feed_forward=2048),
        "base": Gpt2Sizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": Gpt2Sizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Base and large: the first two of Radford et al. 2019, table 2. Mini and small: ours."""

ATTENTIONS = ("eager", "sdpa")
HEADS = MappingProxyType({"next_token": lambda model, hidden: model.lm_head(hidden)})
WEIGHTS = Weights(
    "gpt2",
    {
        "num_hidden_layers": "layers",
        "hidden_size": "hidden",
        "num_attention_heads": "heads",
        "n_inner": "feed_forward",
    },
    ("activation_function", "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx"),
)


def build(sizes: Gpt2Sizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = GPT2Config(
        vocab_size=spec.vocab_size,
        n_layer=sizes.layers,
        n_embd=sizes.hidden,
        n_head=sizes.heads,
        n_inner=sizes.feed_forward,
        n_positions=sizes.positions,
        resid_pdrop=sizes.dropout,
        embd_pdrop=sizes.dropout,
        attn_pdrop=sizes.dropout,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        tie_word_embeddings=spec.tied,
        attn_implementation=choose_attention(spec.attention, ATTENTIONS),
    )
    return Wrapped(GPT2LMHeadModel(config), ("input_ids",), HEADS, causal=True)


def fused(module: nn.Module) -> dict[nn.Parameter, Split]:
    """Queries, keys and values lie side by side."""
    import torch
    from transformers.models.gpt2.modeling_gpt2 import GPT2Attention

    thirds = partial(torch.chunk, chunks=3, dim=1)
    return {part.c_attn.weight: thirds for part in module.modules() if isinstance(part, GPT2Attention)}


ARCHITECTURE = Architecture(
    name="gpt2",
    paper="Radford et al. 2019",
    sizes=Gpt2Sizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    causal=True,
    fused=fused,
)
