"""BERT (Devlin et al. 2019): learned positions, post-norm, GELU, a pooler over [CLS]. Around transformers' `BertForPreTraining`."""

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


class BertSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    feed_forward: int = Field(gt=0)
    positions: int = Field(512, gt=0)
    """Longest sequence, in pieces, that the model will ever take."""
    dropout: float = Field(0.1, ge=0, lt=1)


SIZES = MappingProxyType(
    {
        "mini": BertSizes(layers=4, hidden=256, heads=4, feed_forward=1024),
        "small": BertSizes(layers=4, hidden=512, heads=8, feed_forward=2048),
        "base": BertSizes(layers=12, hidden=768, heads=12, feed_forward=3072),
        "large": BertSizes(layers=24, hidden=1024, heads=16, feed_forward=4096),
    }
)
"""Turc et al. 2019 (mini, small); Devlin et al. 2019, section 3 (base, large)."""


def build(sizes: BertSizes, facts: ModelFacts, heads: tuple[str, ...]) -> nn.Module:
    from transformers import BertConfig, BertForPreTraining

    config = BertConfig(
        vocab_size=facts.vocab_size,
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.hidden,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        hidden_dropout_prob=sizes.dropout,
        attention_probs_dropout_prob=sizes.dropout,
        pad_token_id=facts.pad_id,
        attn_implementation=attention(facts.attention),
    )
    return _module(BertForPreTraining(config), with_pairs="sequence_pair" in heads)


def _module(transformer: Any, *, with_pairs: bool) -> nn.Module:
    from torch import Tensor, nn

    class Bert(nn.Module):
        """transformers' model, asked for hidden states and heads separately so that heads run where there is loss."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer
            if not with_pairs:
                # Untrained, and still part of the exported folder: BertForPreTraining loads it either way.
                for part in (transformer.bert.pooler, transformer.cls.seq_relationship):
                    part.requires_grad_(False)

        def hidden(self, batch: dict[str, Tensor]) -> Tensor:
            names = ("input_ids", "token_type_ids")
            if PACKING in batch:
                mask: Any = attention_within_examples(batch, self.transformer.config._attn_implementation)
                return examples_of(self._states(rows_of(batch, names), mask), batch)
            return self._states({name: batch[name] for name in names}, visible(batch))

        def _states(self, inputs: dict[str, Tensor], mask: Any) -> Tensor:
            states: Tensor = self.transformer.bert(**inputs, attention_mask=mask).last_hidden_state
            return states

        def token_logits(self, hidden: Tensor) -> Tensor:
            logits: Tensor = self.transformer.cls.predictions(hidden)
            return logits

        def pair_logits(self, hidden: Tensor) -> Tensor:
            logits: Tensor = self.transformer.cls.seq_relationship(self.transformer.bert.pooler(hidden))
            return logits

    return Bert()


def export(model: Any, folder: Path) -> None:
    model.transformer.save_pretrained(folder, safe_serialization=True)


ARCHITECTURE = Architecture(
    name="bert",
    paper="Devlin et al. 2019",
    sizes=BertSizes,
    named_sizes=SIZES,
    heads=("tokens", "sequence_pair"),
    model_inputs=("input_ids", "token_type_ids", "attention_mask"),
    build=build,
    export=export,
)
