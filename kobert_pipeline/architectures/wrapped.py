"""transformers' model under the contract of an architecture. Hidden states and heads are asked for separately, so that heads
run where there is loss, and packed rows are laid out around the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from kobert_pipeline.architectures.architecture import Head, MaskKind, unread_biases
from kobert_pipeline.architectures.attention_scores import SCORES, recorded
from kobert_pipeline.architectures.packing import (
    PACKING,
    attention_within_examples,
    boundaries_of,
    examples_of,
    rows_of,
)
from kobert_pipeline.architectures.padding import visible
from kobert_pipeline.architectures.varlen import VARLEN

Batch = dict[str, Tensor]


class Recorded(NamedTuple):
    """`kobert_pipeline.objectives.objective.Layers`."""

    states: Sequence[Tensor]
    scores: Sequence[Tensor]


Encode = Callable[[Any, dict[str, Any], Any], Tensor]
"""(transformers' model, what its encoder takes from a batch, attention mask) -> last hidden states."""


def encode(transformer: Any, inputs: dict[str, Any], mask: Any) -> Tensor:
    """By the model's own encoder."""
    states: Tensor = transformer.base_model(**inputs, attention_mask=mask).last_hidden_state
    return states


class Wrapped(nn.Module):
    """A model of transformers with an encoder (its `base_model`) and the heads of pretraining."""

    def __init__(
        self, transformer: Any, inputs: Sequence[str], heads: Mapping[str, Head],
        *, first_position: int = 0, windows: Mapping[str, int | None] | None = None, mask: MaskKind = "additive",
        causal: bool = False, encode: Encode = encode,
    ) -> None:  # fmt: skip
        """`inputs`: what the encoder takes from a batch. `first_position`: the number of an example's first position.
        `windows`: if layers see unequally far, the name of their mask in transformers and how far they see, in tokens; None
        is everything. `mask` and `causal`: see `Architecture`. `encode`: for a model whose forward does not take the mask of
        packed rows as it is."""
        super().__init__()
        self.transformer = transformer
        for name in unread_biases(transformer):
            transformer.get_parameter(name).requires_grad_(False)
        self._inputs, self._heads = tuple(inputs), dict(heads)
        self._first_position, self._windows = first_position, windows
        self._mask, self._causal, self._encode = mask, causal, encode

    @property
    def hidden_size(self) -> int:
        return int(self.transformer.config.hidden_size)

    def hidden(self, batch: Batch) -> Tensor:
        """(B, L, H), the same whether rows are packed or not."""
        return self.states(batch, self._encode)

    def exported(self, batch: Batch) -> Tensor | None:
        """`hidden` as the exported model computes it; None if that is the same. See `Learner.exported`."""
        return None

    def states(self, batch: Batch, encode: Encode) -> Tensor:
        """(B, L, H) by `encode`, around which packed rows are laid out."""
        if PACKING not in batch:
            inputs = {name: batch[name] for name in self._inputs}
            if self._is_varlen:
                return encode(self.transformer, inputs | boundaries_of(batch), None)
            return encode(self.transformer, inputs, visible(batch))
        rows = rows_of(batch, self._inputs)
        rows["position_ids"] = rows["position_ids"] + self._first_position
        if self._is_varlen:
            return examples_of(encode(self.transformer, rows | boundaries_of(batch), None), batch)
        return examples_of(encode(self.transformer, rows, self._masks(batch)), batch)

    def layers(self, batch: Batch) -> Recorded:
        """What every layer computes; see `Learner.layers`. The model is built with the attention SCORES, and rows are not packed."""
        assert PACKING not in batch, "layers are read of examples that have their own rows"
        assert self.transformer.config._attn_implementation == SCORES, "no scores are recorded"
        inputs = {name: batch[name] for name in self._inputs}
        with recorded() as scores:
            states = self.transformer.base_model(
                **inputs, attention_mask=visible(batch), output_hidden_states=True
            ).hidden_states
        return Recorded(states, scores)

    @property
    def _is_varlen(self) -> bool:
        return bool(self.transformer.config._attn_implementation == VARLEN)

    def logits(self, head: str, states: Tensor) -> Tensor:
        """What the head makes of hidden states: see `Learner.logits`."""
        return self._heads[head](self.transformer, states)

    def _masks(self, batch: Batch) -> Any:
        assert self._mask in ("additive", "boolean"), f"examples cannot share a row with a mask of {self._mask}"
        implementation = self.transformer.config._attn_implementation
        kind = "boolean" if self._mask == "boolean" else implementation
        if self._windows is None:
            return attention_within_examples(batch, kind, causal=self._causal)
        return {
            name: attention_within_examples(batch, kind, window, causal=self._causal)
            for name, window in self._windows.items()
        }
