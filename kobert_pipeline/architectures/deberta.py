"""DeBERTa (He et al. 2021): attention in which content and relative position are kept apart, in the form of its second version:
logarithmic buckets of distances, keys shared between content and positions, no absolute positions.

Around transformers' `DebertaV2ForMaskedLM`, which has a plain head over the last layer. The enhanced mask decoder (section 3.2)
is an option: see `mask_decoder`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kobert_pipeline.architectures.architecture import (
    REPLACED,
    REPLACED_LABELS,
    Architecture,
    ModelSpec,
    Weights,
    of_two_labels,
)
from kobert_pipeline.architectures.bert import ENCODER_SIZES, BertSizes, common_fields
from kobert_pipeline.ground.config import added

if TYPE_CHECKING:
    from torch import nn


class DebertaSizes(BertSizes):
    buckets: int = Field(256, gt=0)
    """Buckets of relative distances to each side: exact up to half of them, logarithmic beyond (release 2.0 of the code)."""
    mask_decoder_passes: int = added(0, ge=0)
    """Passes of the enhanced mask decoder through the last layer, which predict masked tokens with their absolute positions; 2 in
    the paper (section 3.2). 0 leaves the decoder out. transformers does not have it, so the exported model fills masks
    worse than the model in training; a model for fine-tuning alone may use it."""


SIZES = MappingProxyType(
    {
        "mini": DebertaSizes(layers=4, hidden=256, heads=4, feed_forward=1024, buckets=64),
        "small": DebertaSizes(layers=6, hidden=512, heads=8, feed_forward=2048),
        "base": DebertaSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": DebertaSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Base and large: He et al. 2021, appendix A.2. Mini and small: ours."""

ATTENTIONS = ("eager",)
HEADS = MappingProxyType(
    {
        "tokens": lambda model, hidden: model.cls(hidden),
        REPLACED: lambda model, hidden: of_two_labels(model.classifier(model.dropout(hidden))),
    }
)
WEIGHTS = Weights(
    "deberta-v2",
    ENCODER_SIZES | {"position_buckets": "buckets"},
    (
        "type_vocab_size", "hidden_act", "layer_norm_eps", "max_position_embeddings", "relative_attention", "pos_att_type",
        "share_att_key", "norm_rel_ebd", "position_biased_input", "conv_kernel_size", "legacy",
    ),
)  # fmt: skip


def build(sizes: DebertaSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForTokenClassification

    from kobert_pipeline.architectures.mask_decoder import WithMaskDecoder, encode
    from kobert_pipeline.architectures.wrapped import Wrapped

    config = DebertaV2Config(
        **common_fields(sizes, spec, ATTENTIONS),
        relative_attention=True,
        position_buckets=sizes.buckets,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        **(REPLACED_LABELS if REPLACED in heads else {}),
    )
    model: Any = (DebertaV2ForTokenClassification if REPLACED in heads else DebertaV2ForMaskedLM)(config)
    wrapped = (model, ("input_ids",), HEADS)
    if sizes.mask_decoder_passes and "tokens" in heads:
        return WithMaskDecoder(*wrapped, mask="boolean", encode=encode, passes=sizes.mask_decoder_passes)
    return Wrapped(*wrapped, mask="boolean", encode=encode)


ARCHITECTURE = Architecture(
    name="deberta",
    paper="He et al. 2021",
    sizes=DebertaSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    mask="boolean",
)
