"""Two-stream self-attention (Yang et al. 2019, section 2.3) under the contract of an architecture.

The content stream sees a token and what comes before it in an order of factorisation. The query stream knows a token's place and
what comes before it, and never the token: the token is predicted from there.

Shapes: B rows of L tokens, T targets in the row that has most, H hidden size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional

from kobert_pipeline.architectures.padding import visible
from kobert_pipeline.architectures.wrapped import Batch, Wrapped

ORDER = "order"
"""(B, L): when each token is predicted, from 1 on; 0 for tokens that are given."""
TARGETS = "targets"
"""(B, T): places of the tokens that are predicted; -1 in slots that a row does not use."""


class TwoStreams(Wrapped):
    def hidden(self, batch: Batch) -> Tensor:
        """(B, L, H). With ORDER and TARGETS in the batch: the query stream at the targets, zeros elsewhere. Otherwise the content
        stream, in which every token sees every token."""
        inputs: dict[str, Any] = {name: batch[name] for name in self._inputs}
        mask = visible(batch)
        inputs["attention_mask"] = None if mask is None else mask.float()
        if ORDER not in batch:
            return self._states(inputs)
        targets = one_hot(batch[TARGETS], batch[ORDER].shape[1])
        states = self._states(inputs | {"perm_mask": unseen(batch[ORDER]), "target_mapping": targets})
        return targets.transpose(1, 2) @ states

    def _states(self, inputs: dict[str, Any]) -> Tensor:
        states: Tensor = self.transformer.base_model(**inputs).last_hidden_state
        return states


def unseen(order: Tensor) -> Tensor:
    """(B, L, L): 1 where the token of a row may not see the token of a column.

    A given token is seen by all. A predicted one is seen by those that are predicted later: not by itself, and not by what is
    given. transformers lets every token of the content stream see itself.
    """
    later = order[:, None, :] >= order[:, :, None].clamp(min=1)
    return later.float()


def one_hot(targets: Tensor, length: int) -> Tensor:
    """(B, T, L): 1 at the place of each target. An unused slot has none."""
    return functional.one_hot(targets.clamp(min=0), length) * (targets >= 0)[..., None].float()
