"""Tiny models next to a SentencePiece model, in the layouts in which Korean and multilingual models are published."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

BERT = {"unk_id": 0, "pad_id": 1, "bos_id": -1, "eos_id": -1, "unk_piece": "[UNK]", "pad_piece": "[PAD]"}
BRACKETS = ["[CLS]", "[SEP]", "[MASK]"]
LAYOUTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "xlm-roberta": ("xlm-roberta", "sentencepiece.bpe.model", {}, {}),
    "deberta-v3": (
        "deberta-v2",
        "spm.model",
        {
            "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]",
            "eos_piece": "[SEP]", "unk_piece": "[UNK]", "user_defined_symbols": ["[MASK]"],
        },
        {},
    ),
    "albert": (
        "albert",
        "spiece.model",
        {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "pad_piece": "<pad>", "control_symbols": BRACKETS},
        {},
    ),
    "xlnet": (
        "xlnet",
        "spiece.model",
        {"unk_id": 0, "control_symbols": ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]},
        {},
    ),
    "kobert": ("bert", "tokenizer_78b3253a26.model", {**BERT, "control_symbols": BRACKETS}, {}),
    "kobert with XLNet's class": (
        "bert",
        "spiece.model",
        {**BERT, "control_symbols": BRACKETS},
        {
            "tokenizer_class": "XLNetTokenizer", "keep_accents": False, "unk_token": "[UNK]", "pad_token": "[PAD]",
            "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
        },
    ),
}  # fmt: skip
"""Model type, the model's file, what trains it, and tokenizer_config.json."""
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "embedding_size": 32,
    "num_key_value_heads": 2,
}  # fmt: skip


def write_layout(name: str, folder: Path, texts: list[str]) -> Path:
    """Writes the tokenizer, and a random model that fits it. Returns the SentencePiece model."""
    import sentencepiece
    from transformers import AutoModel
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind, file, training, settings = LAYOUTS[name]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        vocab_size=600,
        hard_vocab_limit=False,
        minloglevel=2,
        **training,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(written.getvalue())
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    rest = {"d_head": 16} if kind == "xlnet" else {"max_position_embeddings": 130}
    config = CONFIG_MAPPING[kind](vocab_size=620, pad_token_id=1, **SIZES, **rest)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder / file
