"""BERT (Devlin et al. 2019): learned positions, post-norm, GELU, a pooler over [CLS]. Around transformers' `BertForPreTraining`."""

from __future__ import annotations

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


class BertSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    feed_forward: int = Field(gt=0)
    positions: int = Field(512, gt=0)
    """Longest sequence, in tokens, that the model will ever take."""
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_are_even(self) -> Self:
        require_even_heads(self.hidden, self.heads)
        return self


SIZES = MappingProxyType(
    {
        "mini": BertSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": BertSizes(layers=4, hidden=512, heads=8, feed_forward=2048),
        "base": BertSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": BertSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Turc et al. 2019 (mini, small); Devlin et al. 2019, section 3 (base, large)."""

ATTENTIONS = ("eager", "sdpa", "flex_attention", VARLEN)
HEADS = MappingProxyType(
    {
        "tokens": lambda model, hidden: model.cls.predictions(hidden),
        "sequence_pair": lambda model, hidden: model.cls.seq_relationship(model.bert.pooler(hidden)),
        REPLACED: lambda model, hidden: of_two_labels(model.classifier(model.dropout(hidden))),
    }
)
ENCODER_SIZES = MappingProxyType(
    {
        "num_hidden_layers": "layers",
        "hidden_size": "hidden",
        "num_attention_heads": "heads",
        "intermediate_size": "feed_forward",
    }
)
BUILT_IN = (
    "type_vocab_size", "hidden_act", "position_embedding_type", "layer_norm_eps", "is_decoder", "max_position_embeddings",
)  # fmt: skip
WEIGHTS = Weights("bert", ENCODER_SIZES, BUILT_IN, {"sequence_pair": ("bert.pooler.", "cls.seq_relationship.")})


def common_fields(sizes: BertSizes, spec: ModelSpec, attentions: tuple[str, ...] = ATTENTIONS) -> dict[str, Any]:
    """The fields of transformers' configuration that BERT shares with what followed it."""
    return {field: getattr(sizes, name) for field, name in ENCODER_SIZES.items()} | {
        "vocab_size": spec.vocab_size,
        "max_position_embeddings": sizes.positions,
        "hidden_dropout_prob": sizes.dropout,
        "attention_probs_dropout_prob": sizes.dropout,
        "pad_token_id": spec.pad_id,
        "tie_word_embeddings": spec.tied,
        "attn_implementation": choose_attention(spec.attention, attentions),
    }


def build(sizes: BertSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import BertConfig, BertForPreTraining, BertForTokenClassification

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = BertConfig(
        **common_fields(sizes, spec),
        **(REPLACED_LABELS if REPLACED in heads else {}),
    )
    if REPLACED in heads:
        return Wrapped(BertForTokenClassification(config), ("input_ids", "token_type_ids"), HEADS)
    model = BertForPreTraining(config)
    if "sequence_pair" not in heads:
        # It stays untrained, and is still part of the exported folder: BertForPreTraining loads it either way.
        for part in (model.bert.pooler, model.cls.seq_relationship):
            part.requires_grad_(False)
    return Wrapped(model, ("input_ids", "token_type_ids"), HEADS)


ARCHITECTURE = Architecture(
    name="bert",
    paper="Devlin et al. 2019",
    sizes=BertSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "token_type_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
)
