"""RoBERTa (Liu et al. 2019): BERT's encoder without segments and pairs, positions counted from behind the padding's number.

Around transformers' `RobertaForMaskedLM`.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kobert_pipeline.architectures.architecture import Architecture, ModelFacts, attention
from kobert_pipeline.architectures.packing import PACKING, attention_within_examples, examples_of, rows_of
from kobert_pipeline.architectures.padding import visible
from kobert_pipeline.config import Config

if TYPE_CHECKING:
    from torch import nn


class RobertaSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    feed_forward: int = Field(gt=0)
    positions: int = Field(512, gt=0)
    """Longest sequence, in pieces, that the model will ever take: in transformers' words `max_position_embeddings` less
    `pad_token_id` and one."""
    dropout: float = Field(0.1, ge=0, lt=1)


SIZES = MappingProxyType(
    {
        "mini": RobertaSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": RobertaSizes(layers=4, hidden=512, heads=8, feed_forward=2048),
        "base": RobertaSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": RobertaSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Base and large: Liu et al. 2019, section 3.1 and table 9. Mini and small: BERT's."""


def build(sizes: RobertaSizes, facts: ModelFacts, heads: tuple[str, ...]) -> nn.Module:
    from transformers import RobertaConfig, RobertaForMaskedLM

    config = RobertaConfig(
        vocab_size=facts.vocab_size,
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.hidden,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=facts.pad_id + 1 + sizes.positions,
        hidden_dropout_prob=sizes.dropout,
        attention_probs_dropout_prob=sizes.dropout,
        type_vocab_size=1,
        layer_norm_eps=1e-5,  # of the published checkpoints, klue/roberta-* among them
        pad_token_id=facts.pad_id,
        bos_token_id=facts.cls_id,
        eos_token_id=facts.sep_id,
        attn_implementation=attention(facts.attention),
    )
    return _module(RobertaForMaskedLM(config))


def _module(transformer: Any) -> nn.Module:
    from torch import Tensor, nn

    class Roberta(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def hidden(self, batch: dict[str, Tensor]) -> Tensor:
            if PACKING in batch:
                rows = rows_of(batch, ("input_ids",))
                rows["position_ids"] = rows["position_ids"] + self.transformer.config.pad_token_id + 1
                mask: Any = attention_within_examples(batch, self.transformer.config._attn_implementation)
                return examples_of(self._states(rows, mask), batch)
            return self._states({"input_ids": batch["input_ids"]}, visible(batch))

        def _states(self, inputs: dict[str, Tensor], mask: Any) -> Tensor:
            states: Tensor = self.transformer.roberta(**inputs, attention_mask=mask).last_hidden_state
            return states

        def token_logits(self, hidden: Tensor) -> Tensor:
            logits: Tensor = self.transformer.lm_head(hidden)
            return logits

    return Roberta()


def export(model: Any, folder: Path) -> None:
    model.transformer.save_pretrained(folder, safe_serialization=True)


ARCHITECTURE = Architecture(
    name="roberta",
    paper="Liu et al. 2019",
    sizes=RobertaSizes,
    named_sizes=SIZES,
    heads=("tokens",),
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    export=export,
)
