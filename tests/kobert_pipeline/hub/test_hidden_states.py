"""The load-back check compares all hidden states, those of both halves where a model has an encoder and a decoder."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from kobert_pipeline.hub.load_back import Failure, check_hidden_states
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer


def bart() -> Any:
    from transformers import BartConfig, BartForConditionalGeneration

    sizes = {
        f"{side}_{what}": value
        for side in ("encoder", "decoder")
        for what, value in {"layers": 1, "attention_heads": 2, "ffn_dim": 32}.items()
    }
    return BartForConditionalGeneration(BartConfig(vocab_size=1_000, d_model=16, max_position_embeddings=64, **sizes))


def t5() -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(
        T5Config(vocab_size=1_000, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )


def bert() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(vocab_size=1_000, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    )


@pytest.mark.parametrize(("make", "part"), [(bert, "encoder"), (bart, "decoder"), (bart, "encoder"), (t5, "decoder")])
def test_a_changed_weight_of_either_half_is_found(tiny, make, part):
    torch.manual_seed(0)
    model, tokenizer = make().eval(), auto_tokenizer(tiny.tokenizer)
    check_hidden_states(tokenizer, model, copy.deepcopy(model), None)
    changed = copy.deepcopy(model)
    weight = next(
        weight
        for name, weight in changed.named_parameters()
        if f"{part}." in name and weight.ndim == 2 and "embed" not in name
    )
    with torch.no_grad():
        weight += torch.randn_like(weight)
    with pytest.raises(Failure, match="hidden states differ"):
        check_hidden_states(tokenizer, model, changed, None)
