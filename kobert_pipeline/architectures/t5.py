"""T5 (Raffel et al. 2020) in its version 1.1: an encoder that sees everything and a decoder that writes from left to right,
relative positions, pre-norm with RMSNorm, gated GELU (Shazeer 2020), no biases. Around transformers' `T5ForConditionalGeneration`.

The output matrix is that of the embeddings, as in version 1.0, and its input is scaled by hidden ** -0.5. Version 1.1 has two
matrices and no scale; so has a checkpoint of it that is continued.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from kobert_pipeline.architectures.architecture import (
    Architecture,
    ModelSpec,
    Weights,
    choose_attention,
)
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import WrongValue

if TYPE_CHECKING:
    from torch import Tensor, nn


class T5Sizes(Config):
    layers: int = Field(gt=0)
    """Of the encoder, and as many of the decoder."""
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads, each of hidden / heads numbers, rounded down."""
    feed_forward: int = Field(gt=0)
    """Width of the gated layer's inside."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """0 in pretraining, .1 in fine-tuning (version 1.1)."""

    @property
    def groups(self) -> int:
        """Layers with weights of their own, in both stacks."""
        return 2 * self.layers

    @model_validator(mode="after")
    def _heads_have_numbers(self) -> Self:
        if self.heads > self.hidden:
            raise WrongValue(
                "heads {heads} is more than hidden {hidden}; change one of them",
                heads=self.heads,
                hidden=self.hidden,
            )
        return self


SIZES = MappingProxyType(
    {
        "mini": T5Sizes(layers=3, hidden=256, heads=4, feed_forward=704),
        "small": T5Sizes(layers=8, hidden=512, heads=8, feed_forward=1024),
        "base": T5Sizes(layers=12, hidden=768, heads=12, feed_forward=2048),
        "large": T5Sizes(layers=24, hidden=1024, heads=16, feed_forward=2816),
    }
)
"""Base and large: version 1.1; its small model has 6 heads of 64. Mini: ours."""

ATTENTIONS = ("eager", "sdpa")
WEIGHTS = Weights(
    "t5",
    {
        "num_layers": "layers",
        "num_decoder_layers": "layers",
        "d_model": "hidden",
        "num_heads": "heads",
        "d_ff": "feed_forward",
    },
    (
        "d_kv",
        "feed_forward_proj",
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
        "layer_norm_epsilon",
    ),
)


def logits(model: Any, hidden: Tensor) -> Tensor:
    """(n, H) -> (n, V)"""
    scale = model.config.d_model**-0.5 if model.config.scale_decoder_outputs else 1.0
    scores: Tensor = model.lm_head(hidden * scale)
    return scores


HEADS = MappingProxyType({"target_token": logits})


def build(sizes: T5Sizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import T5Config, T5ForConditionalGeneration

    from kobert_pipeline.architectures.encoder_decoder import EncoderDecoder

    config = T5Config(
        **{field: getattr(sizes, name) for field, name in WEIGHTS.sizes.items()},
        vocab_size=spec.vocab_size,
        d_kv=sizes.hidden // sizes.heads,
        feed_forward_proj="gated-gelu",
        dropout_rate=sizes.dropout,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        decoder_start_token_id=spec.pad_id,
        tie_word_embeddings=spec.tied,
        attn_implementation=choose_attention(spec.attention, ATTENTIONS),
    )
    config.tie_word_embeddings = spec.tied  # transformers 5 sets it
    return EncoderDecoder(T5ForConditionalGeneration(config), ("input_ids",), HEADS)


ARCHITECTURE = Architecture(
    name="t5",
    paper="Raffel et al. 2020",
    sizes=T5Sizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    packs=False,
    writes_targets=True,
)
