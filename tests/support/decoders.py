"""Small models that write."""

from __future__ import annotations

from pathlib import Path

import torch

from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, save_tokenizer


def export_decoder(folder: Path, tokenizer: Path, kind: str = "gpt2", positions: int = 64) -> Path:
    """A model of one layer with random weights, large enough that its tokens are not all alike."""
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        kind, vocab_size=640, max_position_embeddings=positions, bos_token_id=2, eos_token_id=3, pad_token_id=0,
        initializer_range=0.2 if kind == "openai-gpt" else 0.5, **sizes,
    )  # fmt: skip
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    save_tokenizer(
        auto_tokenizer(tokenizer, model_max_length=positions, model_input_names=["input_ids", "attention_mask"]), folder
    )
    return folder
