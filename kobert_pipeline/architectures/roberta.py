"""RoBERTa (Liu et al. 2019): BERT's encoder without segments and pairs. Positions are counted from after the padding's number.

Around transformers' `RobertaForMaskedLM`. Its sizes are BERT's (Liu et al. 2019, section 3.1 and table 9), and `positions` are
those of a sequence: transformers' `max_position_embeddings` less `pad_token_id` and one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kobert_pipeline.architectures.architecture import Architecture, ModelSpec, Weights
from kobert_pipeline.architectures.bert import ATTENTIONS, BUILT_IN, ENCODER_SIZES, SIZES, BertSizes, common_fields

if TYPE_CHECKING:
    from torch import nn

HEADS = MappingProxyType({"tokens": lambda model, hidden: model.lm_head(hidden)})
WEIGHTS = Weights("roberta", ENCODER_SIZES, BUILT_IN)


def build(sizes: BertSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import RobertaConfig, RobertaForMaskedLM

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = RobertaConfig(
        **(common_fields(sizes, spec) | {"max_position_embeddings": spec.pad_id + 1 + sizes.positions}),
        type_vocab_size=1,
        layer_norm_eps=1e-5,  # of the published checkpoints, klue/roberta-* among them
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
    )
    return Wrapped(RobertaForMaskedLM(config), ("input_ids",), HEADS, first_position=spec.pad_id + 1)


ARCHITECTURE = Architecture(
    name="roberta",
    paper="Liu et al. 2019",
    sizes=BertSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
)
