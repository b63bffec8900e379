"""The longest input of a model is what its table of positions takes, for every encoder of transformers."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel, BertConfig, RobertaConfig, XLNetConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES, MODEL_MAPPING_NAMES

from kobert_pipeline.training.positions import UNLIMITED, longest_input, positions

ROWS = 24
SIZES = {
    "vocab_size": 64, "hidden_size": 16, "embedding_size": 16, "emb_dim": 16, "intermediate_size": 16,
    "num_hidden_layers": 1, "n_layers": 1, "num_attention_heads": 2, "n_heads": 2, "attention_window": 4,
    "max_position_embeddings": ROWS, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 5,
    "num_key_value_heads": 2, "entity_vocab_size": 8,
}  # fmt: skip
NOT_BUILT = {
    "xmod": "must be told the language of its input",
    "funnel": "sizes of its own",
    "modernvbert": "an encoder of pictures too",
    "perceiver": "reads bytes through inputs of its own",
    "reformer": "sizes of its own",
    "ultravbert": "an encoder of pictures too, with 6.7 billion weights whatever it is told",
}
WITHOUT_TABLE = {"esmc", "eurobert", "gte", "jina_embeddings_v3", "modernbert", "neomme", "nomic_bert", "ultrabert"}
"""Positions are rotations: nothing breaks behind the longest input that the configuration names."""
STARTS_AGAIN = {"tapas"}
"""Counts positions within each cell of a table."""
AFTER_PADDING = {
    "camembert", "data2vec-text", "esm", "ibert", "longformer", "luke", "mpnet", "roberta", "roberta-prelayernorm",
    "xlm-roberta", "xlm-roberta-xl",
}  # fmt: skip
"""The first token has position `padding_idx` + 1, so that two rows are no input."""


def encoders() -> list[str]:
    kinds = [kind for kind in MODEL_MAPPING_NAMES if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES]
    return [kind for kind in kinds if kind not in NOT_BUILT and not CONFIG_MAPPING[kind]().is_encoder_decoder]


@pytest.mark.parametrize("kind", encoders())
def test_every_encoder_reads_its_longest_input_and_no_longer_one(kind: str) -> None:
    config = CONFIG_MAPPING[kind](**SIZES)
    with torch.device("meta"):
        weights = sum(weight.numel() for weight in AutoModel.from_config(config).parameters())
    assert weights < 20e6, "a kind that does not take these sizes belongs to NOT_BUILT"
    model = AutoModel.from_config(config, attn_implementation="eager").eval()
    longest = longest_input(model)
    assert longest == positions(config) == (ROWS - 2 if kind in AFTER_PADDING else ROWS)
    read(model, longest)
    if kind not in WITHOUT_TABLE | STARTS_AGAIN:
        with pytest.raises((IndexError, RuntimeError)):
            read(model, longest + 1)


@torch.no_grad()
def read(model: torch.nn.Module, length: int) -> None:
    ids = torch.full((2, length), 7)
    model(input_ids=ids, attention_mask=torch.ones_like(ids))


def test_padding_rows_are_no_positions() -> None:
    assert positions(RobertaConfig(max_position_embeddings=514, pad_token_id=1)) == 512
    assert positions(BertConfig(max_position_embeddings=512)) == 512
    assert positions(XLNetConfig(n_layer=1, d_model=16, d_head=8, n_head=2)) == UNLIMITED
