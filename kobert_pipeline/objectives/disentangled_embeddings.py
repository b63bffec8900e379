"""Gradient-disentangled embedding sharing (He et al. 2021, DeBERTaV3, section 3.3).

Shapes: V pieces, H width of the embeddings.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils import parametrize


class PlusShared(nn.Module):
    """A difference (V, H) -> a table (V, H): the sum with a shared table, which gets no gradient from it."""

    def __init__(self, shared: nn.Embedding) -> None:
        super().__init__()
        self.__dict__["shared"] = shared  # not a child: its weights belong to another model

    def forward(self, difference: Tensor) -> Tensor:
        table: Tensor = self.__dict__["shared"].weight.detach() + difference
        return table


def disentangle(table: nn.Embedding, shared: nn.Embedding) -> None:
    """Makes `table` the sum of `shared` and a difference of its own, which begins at zero. Exporting writes the sum."""
    nn.init.zeros_(table.weight)
    parametrize.register_parametrization(table, "weight", PlusShared(shared), unsafe=True)
