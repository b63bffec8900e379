"""Loads a tokenizer as `AutoTokenizer` does, but never runs code that is stored with the tokenizer, and saves it so that
transformers 4 and 5 load it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kobert_pipeline.ground.files import atomic_path, read_json, write_json

TOKENIZER_CONFIG = "tokenizer_config.json"
FAST = "PreTrainedTokenizerFast"
"""The class of a plain tokenizer.json under the name that transformers 4 and 5 have for it."""
ONLY_IN_5 = ("backend", "is_local", "local_files_only", "extra_special_tokens")
"""Keys of tokenizer_config.json that transformers 5 writes. The last one stops transformers 4; the others mean nothing to it."""

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
    except (OSError, ValueError):  # the function that loads the tokenizer reports it
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


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Writes tokenizer.json, tokenizer_config.json, and the code of a tokenizer that has some. transformers 4 and 5 load them
    alike."""
    tokenizer.save_pretrained(folder)
    config = read_json(folder / TOKENIZER_CONFIG)
    extra = config.get("extra_special_tokens")
    kept = {name: value for name, value in config.items() if name not in ONLY_IN_5}
    kept |= {"additional_special_tokens": extra} if extra else {}
    kept |= {} if config["tokenizer_class"] == MECAB_KO else {"tokenizer_class": FAST}
    write_json(folder / TOKENIZER_CONFIG, kept)
    for written in [folder / "tokenizer.json", *folder.glob("tokenization_*.py")]:
        with atomic_path(written) as path:
            path.write_bytes(written.read_bytes())
