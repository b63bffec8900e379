"""DeBERTa's encoder, and its enhanced mask decoder (He et al. 2021, section 3.2): absolute positions enter after all layers but
the last, and only to predict masked tokens.

The last layer is computed again and again with the same weights: its keys and values are the states below it, its first queries
are those states plus an embedding of each token's absolute position, its next queries are what it gave. Positions are the
only further weights. transformers has no such decoder, so an exported folder has neither them nor the further passes.

Shapes: R rows of P positions, H hidden size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from kobert_pipeline.architectures.wrapped import Batch, Wrapped


def encode(transformer: Any, inputs: dict[str, Any], mask: Any) -> Tensor:
    """The last hidden states (R, P, H) as transformers computes them. Distances within an example are the same wherever it lies in
    its row, so positions are not needed."""
    states, seen = embed(transformer, inputs, mask)
    found: Tensor = transformer.base_model.encoder(states, seen).last_hidden_state
    return found


def embed(transformer: Any, inputs: dict[str, Any], mask: Any) -> tuple[Tensor, Tensor]:
    """What the encoder reads: states (R, P, H), and a mask. That of packed rows (R, 1, P, P) goes past the embeddings, which would
    multiply by it."""
    ids = inputs["input_ids"]
    of_tokens = None if mask is None or mask.dim() == 4 else mask
    seen = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
    return transformer.base_model.embeddings(ids, mask=of_tokens), seen


class WithMaskDecoder(Wrapped):
    """A model whose `hidden` states are those of the decoder, from which its head predicts masked tokens."""

    def __init__(self, transformer: Any, *given: Any, passes: int, **named: Any) -> None:
        """`passes`: how often the last layer decodes; 2 in the paper."""
        super().__init__(transformer, *given, **named)
        config = transformer.config
        self.passes = passes
        self.positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        nn.init.normal_(self.positions.weight, std=config.initializer_range)

    def hidden(self, batch: Batch) -> Tensor:
        return self.states(batch, self.decode)

    def exported(self, batch: Batch) -> Tensor:
        return self.states(batch, self._encode)

    def decode(self, transformer: Any, inputs: dict[str, Any], mask: Any) -> Tensor:
        """(R, P, H)."""
        encoder = transformer.base_model.encoder
        states, seen = embed(transformer, inputs, mask)
        places = inputs.get("position_ids", torch.arange(states.shape[1], device=states.device))
        shared = {"relative_pos": encoder.get_rel_pos(states), "rel_embeddings": encoder.get_rel_embedding()}
        seen = encoder.get_attention_mask(seen)
        *below, last = encoder.layer
        for layer in below:
            states = layer(states, seen, **shared)[0]
        queries: Tensor = states + self.positions(places)
        for _ in range(self.passes):
            queries = last(states, seen, query_states=queries, **shared)[0]
        return queries
