"""Which files may leave this machine: a list of allowed names. A file with any other name stays here. Pure."""

from __future__ import annotations

import re
from typing import Literal, get_args

from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import InputError

Kind = Literal["model", "tokenizer", "dataset"]
"""What can be published."""
KINDS: tuple[Kind, ...] = get_args(Kind)

VOCABULARY = "vocab.txt"
TOKENIZER_CODE = "tokenization_mecab_ko.py"
"""Only a tokenizer that cuts text at morphemes when it is used has this file."""
TOKENIZER_FILES = ("special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", VOCABULARY, TOKENIZER_CODE)
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    *TOKENIZER_FILES,
)
"""What transformers reads."""
_WEIGHTS = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_ONNX = re.compile(r"onnx/model(_int8)?\.onnx(\.data)?")
_TEXT = re.compile(r"shards/\d{5}\.parquet")

CARD = "README.md"
PAGE = "run.html"
SCORES = "scores.json"
EVAL_RESULTS = ".eval_results/klue.yaml"
RECIPE = "recipe.yaml"
MANIFESTS = "manifests"
STAGES = ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval")
"""The stages whose manifests are published, in the order of the pipeline."""
RECORDS = (CARD, SCORES, EVAL_RESULTS, RECIPE, *(f"{MANIFESTS}/{stage}.json" for stage in STAGES))
"""The record of how the model was made."""
BINARY = (".safetensors", ".parquet", ".onnx", ".onnx.data")
"""Endings of files without text that people can read."""


def is_model_file(name: str) -> bool:
    return name in MODEL_FILES or _WEIGHTS.fullmatch(name) is not None


def is_onnx_file(name: str) -> bool:
    return _ONNX.fullmatch(name) is not None


def is_publishable(name: str, kind: Kind = "model") -> bool:
    """`name` is relative to the folder, with forward slashes."""
    if kind == "model":
        return is_model_file(name) or is_onnx_file(name) or name in RECORDS or name == PAGE
    if kind == "tokenizer":
        return name in TOKENIZER_FILES or name in (CARD, f"{MANIFESTS}/corpora.json", f"{MANIFESTS}/tokenizer.json")
    return _TEXT.fullmatch(name) is not None or name in (CARD, f"{MANIFESTS}/corpora.json")


def as_kind(name: str) -> Kind:
    """Raises InputError for any other name."""
    for kind in KINDS:
        if kind == name:
            return kind
    raise InputError("--what {name}: {meant}", name=name, meant=nearest(name, list(KINDS)))
