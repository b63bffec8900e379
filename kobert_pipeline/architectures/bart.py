"""BART (Lewis et al. 2020): an encoder that sees everything and a decoder that writes from left to right, learned positions,
post-norm, GELU. Around transformers' `BartForConditionalGeneration`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from kobert_pipeline.architectures.architecture import Architecture, ModelSpec, Weights, choose_attention
from kobert_pipeline.architectures.bert import BertSizes

if TYPE_CHECKING:
    from torch import nn


class BartSizes(BertSizes):
    layers: int = Field(gt=0)
    """Of the encoder, and as many of the decoder."""
    positions: int = Field(1024, gt=0)
    """Longest source, and longest target, in tokens, that the model will ever take."""

    @property
    def groups(self) -> int:
        """Layers with weights of their own, in both stacks."""
        return 2 * self.layers


SIZES = MappingProxyType(
    {
        "mini": BartSizes(layers=3, hidden=256, heads=4, feed_forward=1024),
        "small": BartSizes(layers=4, hidden=512, heads=8, feed_forward=2048),
        "base": BartSizes(layers=6, hidden=768, heads=12, feed_forward=3072),
        "large": BartSizes(layers=12, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Lewis et al. 2020, section 2.1 (base, large). Mini and small: ours."""

ATTENTIONS = ("eager", "sdpa")
HEADS = MappingProxyType({"target_token": lambda model, hidden: model.lm_head(hidden) + model.final_logits_bias})
WEIGHTS = Weights(
    "bart",
    {
        "encoder_layers": "layers",
        "decoder_layers": "layers",
        "d_model": "hidden",
        "encoder_attention_heads": "heads",
        "decoder_attention_heads": "heads",
        "encoder_ffn_dim": "feed_forward",
        "decoder_ffn_dim": "feed_forward",
    },
    ("activation_function", "scale_embedding"),
)


def build(sizes: BartSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import BartConfig, BartForConditionalGeneration

    from kobert_pipeline.architectures.encoder_decoder import EncoderDecoder

    config = BartConfig(
        **{field: getattr(sizes, name) for field, name in WEIGHTS.sizes.items()},
        vocab_size=spec.vocab_size,
        max_position_embeddings=sizes.positions,
        dropout=sizes.dropout,
        attention_dropout=sizes.dropout,
        activation_dropout=0.0,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        decoder_start_token_id=spec.sep_id,
        forced_eos_token_id=spec.sep_id,
        tie_word_embeddings=spec.tied,
        attn_implementation=choose_attention(spec.attention, ATTENTIONS),
    )
    return EncoderDecoder(BartForConditionalGeneration(config), ("input_ids",), HEADS)


ARCHITECTURE = Architecture(
    name="bart",
    paper="Lewis et al. 2020",
    sizes=BartSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    packs=False,
    writes_targets=True,
)
