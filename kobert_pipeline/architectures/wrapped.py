"""transformers' model under the contract of an architecture: hidden states and heads are asked for separately, so that heads run
where there is loss, and packed rows are laid out around the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from kobert_pipeline.architectures.packing import PACKING, attention_within_examples, examples_of, rows_of
from kobert_pipeline.architectures.padding import visible

Batch = dict[str, Tensor]
Head = Callable[[Any, Tensor], Tensor]
"""(transformers' model, hidden states) -> logits."""


class Wrapped(nn.Module):
    """Around a model of transformers with an encoder (its `base_model`) and the heads of pretraining. `inputs` are what the
    encoder takes of a batch."""

    def __init__(
        self, transformer: Any, inputs: Sequence[str], token_logits: Head, pair_logits: Head | None = None,
        *, first_position: int = 0, windows: Mapping[str, int | None] | None = None,
    ) -> None:  # fmt: skip
        """`first_position`: the number of an example's first position. `windows`: where layers see unequally far, the name of
        their mask in transformers and how far they see, in pieces; None is everything."""
        super().__init__()
        self.transformer = transformer
        self._inputs, self._token_logits, self._pair_logits = tuple(inputs), token_logits, pair_logits
        self._first_position, self._windows = first_position, windows

    def hidden(self, batch: Batch) -> Tensor:
        """(B, L, H), in packed rows as without them."""
        if PACKING not in batch:
            return self._states({name: batch[name] for name in self._inputs}, visible(batch))
        rows = rows_of(batch, self._inputs)
        rows["position_ids"] = rows["position_ids"] + self._first_position
        return examples_of(self._states(rows, self._masks(batch)), batch)

    def token_logits(self, hidden: Tensor) -> Tensor:
        """(N, H) -> (N, vocabulary)"""
        return self._token_logits(self.transformer, hidden)

    def pair_logits(self, hidden: Tensor) -> Tensor:
        """(B, L, H) -> (B, 2)"""
        assert self._pair_logits is not None
        return self._pair_logits(self.transformer, hidden)

    def _states(self, inputs: dict[str, Tensor], mask: Any) -> Tensor:
        states: Tensor = self.transformer.base_model(**inputs, attention_mask=mask).last_hidden_state
        return states

    def _masks(self, batch: Batch) -> Any:
        kind = self.transformer.config._attn_implementation
        if self._windows is None:
            return attention_within_examples(batch, kind)
        return {name: attention_within_examples(batch, kind, window) for name, window in self._windows.items()}
