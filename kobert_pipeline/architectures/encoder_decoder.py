"""Encoder-decoders of transformers under the contract of an architecture.

Shapes: B examples, a source of L tokens, a target of T tokens, H hidden size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kobert_pipeline.architectures.padding import visible
from kobert_pipeline.architectures.wrapped import Batch, Wrapped

LABELS = "decoder_labels"
"""(B, T) what the decoder writes. It reads the same, one token later: as transformers shifts labels."""


class EncoderDecoder(Wrapped):
    """A model with an encoder and a decoder. Targets are padded at the end, so a decoder needs no mask of padding: no token sees
    what comes after it."""

    def hidden(self, batch: Batch) -> Tensor:
        """Last states of the decoder (B, T, H); without labels in the batch those of the encoder (B, L, H)."""
        model: Any = self.transformer
        mask = visible(batch)
        states: Tensor = model.get_encoder()(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        if LABELS not in batch:
            return states
        written: Tensor = model.get_decoder()(
            input_ids=model.prepare_decoder_input_ids_from_labels(batch[LABELS]),
            encoder_hidden_states=states,
            encoder_attention_mask=mask,
            use_cache=False,
        ).last_hidden_state
        return written
