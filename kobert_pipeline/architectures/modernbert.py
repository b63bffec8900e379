"""ModernBERT (Warner et al. 2024): pre-norm, rotary positions, GeGLU, no biases, alternating global and local attention.

Around transformers' `ModernBertForMaskedLM`. It has no segment numbers and no pair head.
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


class ModernBertSizes(Config):
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads; `hidden` is a multiple of it."""
    feed_forward: int = Field(gt=0)
    """Width of the gated layer's inside (half of what its input matrix gives)."""
    positions: int = Field(8192, gt=0)
    local_attention: int = Field(128, gt=0)
    """Window, in pieces, of the local layers; every third layer sees everything."""
    dropout: float = Field(0.0, ge=0, lt=1)


SIZES = MappingProxyType(
    {
        "mini": ModernBertSizes(layers=4, hidden=256, heads=4, feed_forward=512),
        "small": ModernBertSizes(layers=6, hidden=512, heads=8, feed_forward=768),
        "base": ModernBertSizes(layers=22, hidden=768, heads=12, feed_forward=1152),
        "large": ModernBertSizes(layers=28, hidden=1024, heads=16, feed_forward=2624),
    }
)
"""Base and large: Warner et al. 2024, table 4. Mini and small: ours, of about BERT's size by that name."""


def build(sizes: ModernBertSizes, facts: ModelFacts, heads: tuple[str, ...]) -> nn.Module:
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    config = ModernBertConfig(
        vocab_size=facts.vocab_size,
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.hidden,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        local_attention=sizes.local_attention,
        embedding_dropout=sizes.dropout,
        mlp_dropout=sizes.dropout,
        attention_dropout=sizes.dropout,
        pad_token_id=facts.pad_id,
        bos_token_id=facts.cls_id,
        eos_token_id=facts.sep_id,
        cls_token_id=facts.cls_id,
        sep_token_id=facts.sep_id,
        attn_implementation=attention(facts.attention),
    )
    return _module(ModernBertForMaskedLM(config))


def _module(transformer: Any) -> nn.Module:
    from torch import Tensor, nn

    class ModernBert(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def hidden(self, batch: dict[str, Tensor]) -> Tensor:
            if PACKING in batch:
                return examples_of(self._states(rows_of(batch, ("input_ids",)), self._packed_masks(batch)), batch)
            return self._states({"input_ids": batch["input_ids"]}, visible(batch))

        def _states(self, inputs: dict[str, Tensor], mask: Any) -> Tensor:
            states: Tensor = self.transformer.model(**inputs, attention_mask=mask).last_hidden_state
            return states

        def _packed_masks(self, batch: dict[str, Tensor]) -> dict[str, Any]:
            config = self.transformer.config
            windows = {"full_attention": None, "sliding_attention": config.sliding_window}
            return {
                kind: attention_within_examples(batch, config._attn_implementation, window)
                for kind, window in windows.items()
            }

        def token_logits(self, hidden: Tensor) -> Tensor:
            logits: Tensor = self.transformer.decoder(self.transformer.head(hidden))
            return logits

    return ModernBert()


def export(model: Any, folder: Path) -> None:
    model.transformer.save_pretrained(folder, safe_serialization=True)


ARCHITECTURE = Architecture(
    name="modernbert",
    paper="Warner et al. 2024",
    sizes=ModernBertSizes,
    named_sizes=SIZES,
    heads=("tokens",),
    model_inputs=("input_ids", "attention_mask"),
    build=build,
    export=export,
)
