"""ELECTRA (Clark et al. 2020): BERT's encoder whose embeddings may be narrower than its layers.

Around transformers' `ElectraForPreTraining`, which says of each token whether it was replaced, and `ElectraForMaskedLM`, the
generator. Which of the two is built follows from the head that is asked for.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from kobert_pipeline.architectures.architecture import REPLACED, Architecture, ModelSpec, Weights
from kobert_pipeline.architectures.bert import ATTENTIONS, BUILT_IN, ENCODER_SIZES, BertSizes, common_fields

if TYPE_CHECKING:
    from torch import nn


class ElectraSizes(BertSizes):
    embedding: int = Field(128, gt=0)
    """Width of the embeddings. Generator and discriminator share them, so it is the same in both."""


SIZES = MappingProxyType(
    {
        "mini": ElectraSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": ElectraSizes(layers=12, hidden=256, heads=4, feed_forward=1024),
        "base": ElectraSizes(layers=12, hidden=768, heads=12, feed_forward=3072, embedding=768),
        "large": ElectraSizes(layers=24, hidden=1024, heads=16, feed_forward=4096, embedding=1024),
    }
)
"""Small, base and large: Clark et al. 2020, table 6. Mini: ours, as many layers as `bert-mini`."""

HEADS = MappingProxyType(
    {
        REPLACED: lambda model, hidden: model.discriminator_predictions(hidden),
        "tokens": lambda model, hidden: model.generator_lm_head(model.generator_predictions(hidden)),
    }
)
WEIGHTS = Weights("electra", ENCODER_SIZES | {"embedding_size": "embedding"}, BUILT_IN)


def build(sizes: ElectraSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

    from kobert_pipeline.architectures.wrapped import Wrapped

    config = ElectraConfig(
        **common_fields(sizes, spec),
        embedding_size=sizes.embedding,
    )
    model = ElectraForPreTraining(config) if REPLACED in heads else ElectraForMaskedLM(config)
    return Wrapped(model, ("input_ids", "token_type_ids"), HEADS)


ARCHITECTURE = Architecture(
    name="electra",
    paper="Clark et al. 2020",
    sizes=ElectraSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "token_type_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
)
