"""An encoder whose weights do not change: its features, or a probe of what it knows. It works with any head.

`features` is the feature-based use of Devlin et al. 2019, section 5.3: the last four layers, concatenated, are read by
a two-layer BiLSTM as wide as the encoder (768 for BERT-base, as in the paper). `probe` is the last layer alone. Special
tokens that a task adds (RE's markers) keep their random embeddings.

Shapes: B examples, L tokens, H the encoder's hidden size.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from klue_eval.heads.head import dropout_of, full_precision, hidden_size, linear

LAYERS = 4


class FrozenEncoder(nn.Module):
    """Returns what transformers' encoders return, but only `last_hidden_state` [B, L, H]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False)
        self.config: Any = body.config

    @property
    def width(self) -> int:
        """Numbers of a token's states."""
        return hidden_size(self.body)

    def train(self, mode: bool = True) -> Self:
        """The encoder itself stays in evaluation mode, without dropout, so its features do not change."""
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.read(inputs))

    def read(self, inputs: dict[str, Tensor]) -> Tensor:
        """[B, L, H] from the states, which a batch may bring along (`klue_eval.frozen_states`)."""
        return inputs["states"] if "states" in inputs else self.states(inputs)

    @torch.no_grad()
    def states(self, inputs: dict[str, Tensor]) -> Tensor:
        """[B, L, `width`] what the encoder makes of a batch."""
        states: Tensor = self.body(**inputs).last_hidden_state
        return states

    def get_input_embeddings(self) -> Any:
        return self.body.get_input_embeddings()  # type: ignore[operator]


class FeatureEncoder(FrozenEncoder):
    """The last four layers (all layers of a smaller encoder) through a two-layer BiLSTM."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__(body)
        size = hidden_size(body)
        self.layers = min(LAYERS, int(self.config.num_hidden_layers))
        self.reader = nn.LSTM(
            self.layers * size, size // 2, num_layers=2, bidirectional=True, batch_first=True, dropout=dropout_of(body)
        )

    @property
    def width(self) -> int:
        return self.layers * hidden_size(self.body)

    @torch.no_grad()
    def states(self, inputs: dict[str, Tensor]) -> Tensor:
        layers = self.body(**inputs, output_hidden_states=True).hidden_states[-self.layers :]
        with full_precision(layers[0]):
            return torch.cat(layers, dim=-1).float()

    def read(self, inputs: dict[str, Tensor]) -> Tensor:
        features = super().read(inputs)
        with full_precision(features):
            lengths = inputs["attention_mask"].sum(1).cpu()
            packed = pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
            states: Tensor = pad_packed_sequence(
                self.reader(packed)[0], batch_first=True, total_length=features.shape[1]
            )[0]
        return states


class PooledClassifier(nn.Module):
    """A linear layer on the mean of an example's tokens. A frozen [CLS] was not trained to represent a sentence."""

    def __init__(self, encoder: FrozenEncoder, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.config: Any = encoder.config
        self.classifier = linear(encoder, outputs)

    @property
    def body(self) -> nn.Module:
        return self.encoder.body

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        """`logits` [B, outputs]"""
        states = self.encoder(**inputs).last_hidden_state
        inside = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
        return SimpleNamespace(logits=self.classifier((states * inside).sum(1) / inside.sum(1)))

    def get_input_embeddings(self) -> Any:
        return self.encoder.get_input_embeddings()


class TokenClassifier(PooledClassifier):
    """A linear layer on every token."""

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        """`logits` [B, L, outputs]"""
        return SimpleNamespace(logits=self.classifier(self.encoder(**inputs).last_hidden_state))


def freeze(body: nn.Module, training: str, outputs: int | None, *, of_tokens: bool = False) -> nn.Module:
    """Freezes `body` for `training` (`features` or `probe`). With `outputs`, returns a classifier of whole examples, or of their
    tokens."""
    encoder = FeatureEncoder(body) if training == "features" else FrozenEncoder(body)
    if outputs is None:
        return encoder
    return TokenClassifier(encoder, outputs) if of_tokens else PooledClassifier(encoder, outputs)
