"""Loads a tokenizer as `AutoTokenizer` does, but never runs code that is stored with the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json

TOKENIZER_CONFIG = "tokenizer_config.json"


MECAB_KO = "MecabKoTokenizer"
"""The class that this file names for a tokenizer that cuts at morphemes at use (`morpheme: inference`)."""


def cuts_at_use(name: str | Path) -> bool:
    """Whether the tokenizer in a folder, or of a Hub id, cuts at morphemes at use: it then needs MeCab and whole
    sentences."""
    if not Path(name).is_dir():
        from transformers.models.auto.tokenization_auto import get_tokenizer_config

        return bool(get_tokenizer_config(str(name)).get("tokenizer_class") == MECAB_KO)
    try:
        config = read_json(Path(name) / TOKENIZER_CONFIG)
    except (OSError, InputError):  # the function that loads the tokenizer reports it
        return False
    return isinstance(config, dict) and config.get("tokenizer_class") == MECAB_KO


def auto_tokenizer(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> Any:
    """Loads a tokenizer as `AutoTokenizer` does. One that cuts at morphemes at use is loaded by this project's copy of
    its code, so that the code in its folder is not run."""
    from transformers import AutoTokenizer

    if cuts_at_use(name):
        from kobert_pipeline.morphology.tokenization_mecab_ko import MecabKoTokenizer

        return MecabKoTokenizer.from_pretrained(name, **settings)
    return AutoTokenizer.from_pretrained(name, trust_remote_code=trust_remote_code, **settings)
