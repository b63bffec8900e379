"""XLNet (Yang et al. 2019): two streams of states, relative positions, segments known by whether two tokens share one. Around
transformers' `XLNetLMHeadModel`.

There is no memory of earlier rows (section 2.4). The first tokens of a row lose the text before it; in exchange, rows come in any
order. A row ends with [CLS] and is padded at the front, as in the released code.
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
    require_even_heads,
)
from kobert_pipeline.ground.config import Config

if TYPE_CHECKING:
    from torch import nn


class XlnetSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    feed_forward: int = Field(gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_are_even(self) -> Self:
        require_even_heads(self.hidden, self.heads)
        return self


SIZES = MappingProxyType(
    {
        "mini": XlnetSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": XlnetSizes(layers=4, hidden=512, heads=8, feed_forward=2048),
        "base": XlnetSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": XlnetSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Base and large have the sizes of BERT's (Yang et al. 2019, section 3.1 and appendix A.4); so have mini and small."""

ATTENTIONS = ("eager",)
HEADS = MappingProxyType({"tokens_in_order": lambda model, states: model.lm_loss(states)})
WEIGHTS = Weights(
    "xlnet",
    {"n_layer": "layers", "d_model": "hidden", "n_head": "heads", "d_inner": "feed_forward"},
    ("ff_activation", "attn_type", "layer_norm_eps", "clamp_len", "same_length", "bi_data"),
)


def build(sizes: XlnetSizes, spec: ModelSpec, heads: tuple[str, ...]) -> nn.Module:
    from transformers import XLNetConfig, XLNetLMHeadModel

    from kobert_pipeline.architectures.two_streams import TwoStreams

    choose_attention(spec.attention, ATTENTIONS)
    config = XLNetConfig(
        **{field: getattr(sizes, name) for field, name in WEIGHTS.sizes.items()},
        vocab_size=spec.vocab_size,
        dropout=sizes.dropout,
        summary_last_dropout=sizes.dropout,
        mem_len=None,
        use_mems_eval=False,
        pad_token_id=spec.pad_id,
        bos_token_id=spec.cls_id,
        eos_token_id=spec.sep_id,
        tie_word_embeddings=spec.tied,
    )
    return TwoStreams(XLNetLMHeadModel(config), ("input_ids", "token_type_ids"), HEADS, mask="permutation")


def layers(module: Any) -> list[nn.Module]:
    """transformers does not mark them as layers."""
    found: list[nn.Module] = list(module.transformer.base_model.layer)
    return found


ARCHITECTURE = Architecture(
    name="xlnet",
    paper="Yang et al. 2019",
    sizes=XlnetSizes,
    named_sizes=SIZES,
    heads=HEADS,
    model_inputs=("input_ids", "token_type_ids", "attention_mask"),
    build=build,
    weights=WEIGHTS,
    attentions=ATTENTIONS,
    mask="permutation",
    packs=False,
    cls_last=True,
    layers=layers,
)
