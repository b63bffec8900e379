"""SpanBERT's boundary head (Joshi et al. 2020, section 3.2): a token of a masked span from the two tokens next to the span.

Shapes: n masked tokens, H hidden size, E width of the output embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITIONS = 64
"""Places in a span that have an embedding; further ones share the last."""


class BoundaryHead(nn.Module):
    """Two layers, each with GELU and a layer norm, over both boundaries and the place in the span."""

    def __init__(self, hidden: int, embedding: int) -> None:
        super().__init__()
        self.places = nn.Embedding(POSITIONS, hidden)
        self.first = nn.Linear(3 * hidden, hidden)
        self.first_norm = nn.LayerNorm(hidden)
        self.second = nn.Linear(hidden, embedding)
        self.second_norm = nn.LayerNorm(embedding)
        nn.init.normal_(self.places.weight, std=0.02)

    def forward(self, left: Tensor, right: Tensor, place: Tensor) -> Tensor:
        """`left`, `right` (n, H): states of the tokens before and after the span; `place` (n,): of the token in the span, from 0
        on. Returns (n, E), to be compared with the output embeddings."""
        read = torch.cat([left, right, self.places(place.clamp(max=POSITIONS - 1))], dim=-1)
        states = self.first_norm(nn.functional.gelu(self.first(read)))
        found: Tensor = self.second_norm(nn.functional.gelu(self.second(states)))
        return found
