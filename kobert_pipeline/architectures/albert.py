"""ALBERT (Lan et al. 2020): BERT's encoder with narrow embeddings and one layer that is computed several times.

Around transformers' `AlbertForPreTraining`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kobert_pipeline.architectures.architecture import Architecture, ModelSpec, Weights
from kobert_pipeline.architectures.bert import ATTENTIONS, BUILT_IN, ENCODER_SIZES, BertSizes, common_fields

if TYPE_CHECKING:
    from torch import nn


class AlbertSizes(BertSizes):
    embedding: int = Field(128, gt=0)
    """Width of the embeddings (Lan et al. 2020, section 3.1, factorized embedding parameterization)."""
    groups: int = Field(1, gt=0)
    """Groups of layers; those of a group share their weights (section 3.1, cross-layer parameter sharing). 1 shares all."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """None (section 4.8): models that share weights do not overfit in pretraining."""


SIZES = MappingProxyType(
    {
        "mini": AlbertSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": AlbertSizes(layers=6, hidden=512, heads=8, feed_forward=2048),
        "base": AlbertSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": AlbertSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Base and large: Lan et al. 2020, table 1. Mini and small: ours."""

HEADS = MappingProxyType(
    {
        "tokens": lambda model, hidden: model.predictions(hidden),
        "sequence_pair": lambda model, hidden: model.sop_classifier(
            model.albert.pooler_activation(model.albert.pooler(hidden[:, 0]))
        ),
    }
)
WEIGHTS = Weights(
    "albert",
    ENCODER_SIZES | {"embedding_size": "embedding", "num_hidden_groups": "groups"},
    (*BUILT_IN, "inner_group_num"),
    {"sequence_pair": ("albert.pooler.", "sop_classifier.")},
)


def build(sizes: AlbertSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import AlbertConfig, AlbertForPreTraining

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = AlbertConfig(
        **common_fields(sizes, spec),
        embedding_size=sizes.embedding,
        num_hidden_groups=sizes.groups,
        classifier_dropout_prob=sizes.dropout,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
    )
    model = AlbertForPreTraining(config)
    if "sequence_pair" not in heads:
        # It stays untrained, and is still part of the exported folder: AlbertForPreTraining loads it either way.
        for part in (model.albert.pooler, model.sop_classifier):
            part.requires_grad_(False)
    return Wrapped(model, ("input_ids", "token_type_ids"), HEADS)


def layers(module: Any) -> list[nn.Module]:
    """One per group: transformers does not mark them as layers."""
    from transformers.models.albert.modeling_albert import AlbertLayer

    return [part for part in module.modules() if isinstance(part, AlbertLayer)]


ARCHITECTURE = Architecture(
    name="albert",
    paper="Lan et al. 2020",
    sizes=AlbertSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "token_type_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    layers=layers,
)
