"""The floating-point operations of a step, counted once by torch, for any objective and architecture.

Shapes: B rows of L tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from kobert_pipeline.architectures.varlen import flop_formulas
from kobert_pipeline.objectives.objective import Batch
from kobert_pipeline.training.layerwise import plainly


@dataclass(frozen=True)
class Cost:
    """What an example of T tokens costs, forward and backward: `per_token` T + `per_square` T²; and what a pass costs, however many
    examples it has.

    The first part is the matrices that every token meets, and the head's share; the second is attention; the third is what belongs
    to no example, such as DeBERTa's relative positions. All follow from the operations that torch counts on examples of two lengths, so nothing is assumed about the names of weights, and several
    models, frozen ones and shared layers count what they compute. Attention counts as two products forward and four backward,
    over what is computed: a local layer counts its window with `varlen`, and the full product where a mask hides the rest.
    Padding counts nothing, so a run that pads has a lower MFU.
    """

    per_token: float
    per_square: float
    per_pass: float = 0.0

    @classmethod
    def measured(cls, step: Callable[[Batch], None], samples: Sequence[Batch]) -> Self:
        """`step` passes forward and back over a batch. `samples`: two batches of examples of different lengths, of at least two
        examples."""
        (first, tokens, squares), (second, more_tokens, more_squares) = (_counted(step, batch) for batch in samples)
        part = {name: tensor[: len(tensor) // 2] for name, tensor in samples[0].items()}
        half, fewer_tokens, _ = _counted(step, part)
        per_pass = max(0.0, (half * tokens - first * fewer_tokens) / (tokens - fewer_tokens))
        first, second = first - per_pass, second - per_pass
        determinant = tokens * more_squares - more_tokens * squares
        if not determinant:
            return cls(first / max(1.0, tokens), 0.0, per_pass)
        per_square = max(0.0, (tokens * second - more_tokens * first) / determinant)
        return cls((first - per_square * squares) / tokens, per_square, per_pass)

    def flops(self, batch: Batch) -> Tensor:
        """The FLOPs of one pass over `batch`, as a number on its device."""
        lengths = batch["attention_mask"].sum(dim=1).double()
        return self.per_token * lengths.sum() + self.per_square * (lengths * lengths).sum() + self.per_pass


def _counted(step: Callable[[Batch], None], batch: Batch) -> tuple[float, float, float]:
    """FLOPs, tokens, and the sum of squared lengths, of rows as wide as they are computed."""
    counter = FlopCounterMode(display=False, custom_mapping=flop_formulas())
    with plainly(), sdpa_kernel(SDPBackend.MATH), counter:
        step(batch)
    rows, length = batch["input_ids"].shape
    return float(counter.get_total_flops()), float(rows * length), float(rows * length**2)
