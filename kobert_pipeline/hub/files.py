"""Which files may leave this machine. A list of what is allowed, never of what is not: an unknown file stays here. Pure."""

from __future__ import annotations

import re

MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
"""What plain transformers reads."""
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")

CARD = "README.md"
SCORES = "scores.json"
RECIPE = "recipe.yaml"
MANIFESTS = "manifests"
STAGES = ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval")
"""Whose manifests are published, in the order of the pipeline."""
RECORDS = (CARD, SCORES, RECIPE, *(f"{MANIFESTS}/{stage}.json" for stage in STAGES))
"""What tells how the model was made."""


def is_model_file(name: str) -> bool:
    return name in MODEL_FILES or _SHARD.fullmatch(name) is not None


def is_publishable(name: str) -> bool:
    """`name` is relative to the folder, with forward slashes."""
    return is_model_file(name) or name in RECORDS
