"""A checkpoint or tokenizer that exists already: a folder, or `hub:owner/name`, with `@revision` behind it if need be.

A folder is known by the sha256 of the files that are read of it, a repository by its commit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kobert_pipeline.artifacts import FileHashes, read_json
from kobert_pipeline.config import expand_variables
from kobert_pipeline.errors import InputError

HUB = "hub:"
WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")
TOKENIZER = ("tokenizer.json", "vocab.txt")
TOKENIZER_CONFIG = "tokenizer_config.json"
MECAB_KO = "MecabKoTokenizer"
"""What this file names as the class of a tokenizer that cuts at morphemes at use (`morpheme: inference`)."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def identity(name: str, setting: str, patterns: Sequence[str], hashes: FileHashes) -> dict[str, str]:
    """What a fingerprint holds of it: names of inputs, beginning with the last part of `setting`, -> sha256 or commit.

    Raises InputError for a folder that is missing or holds none of the files, and for a Hub that does not answer.
    """
    label = setting.rpartition(".")[2]
    if name.startswith(HUB):
        return {f"{label} {name}": _commit(name, setting)}
    files = _files(_folder(name, setting), patterns)
    if not files:
        raise InputError(f"{setting}: {name}: holds none of {', '.join(patterns)}")
    return {f"{label} {path.name}": hashes[path] for path in files}


def positions(config: Any) -> int:
    """The longest input, in pieces, of a model with this configuration of transformers. RoBERTa counts its positions from
    behind the padding's number."""
    limit = getattr(config, "max_position_embeddings", None) or 2**30
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(limit) - int(offset)


def local_folder(name: str, setting: str, patterns: Sequence[str], inputs: dict[str, str]) -> Path:
    """The folder itself, or those files of the repository, at the commit that `identity` put into `inputs`."""
    if not name.startswith(HUB):
        return _folder(name, setting)
    from huggingface_hub import snapshot_download

    repository, _ = _parts(name)
    commit = inputs[f"{setting.rpartition('.')[2]} {name}"]
    try:
        return Path(snapshot_download(repository, revision=commit, allow_patterns=list(patterns)))
    except Exception as error:  # the client lets errors of its HTTP library through
        raise InputError(f"{setting}: {name}: cannot be downloaded ({type(error).__name__}: {error})") from None


def _folder(name: str, setting: str) -> Path:
    folder = Path(expand_variables(name, setting)).expanduser()
    if not folder.is_dir():
        hint = f" A model on the Hub is written {HUB}{name}." if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else ""
        raise InputError(f"{setting}: {name}: no such folder.{hint}")
    return folder


def _files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def _parts(name: str) -> tuple[str, str]:
    repository, _, revision = name.removeprefix(HUB).partition("@")
    return repository, revision


def _commit(name: str, setting: str) -> str:
    repository, revision = _parts(name)
    if _COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi

    try:
        return str(HfApi().model_info(repository, revision=revision or None).sha)
    except Exception as error:  # the client lets errors of its HTTP library through
        raise InputError(
            f"{setting}: {name}: the Hub does not answer for it ({type(error).__name__}). Check the name, go online, "
            "name a folder, or write the commit behind it: hub:owner/name@COMMIT."
        ) from None


# --- tokenizers ------------------------------------------------------------------------------------------------------


def cuts_at_use(name: str | Path) -> bool:
    """Whether the tokenizer in a folder, or of a Hub id, cuts at morphemes at use: then it needs MeCab, and a sentence whole."""
    if not Path(name).is_dir():
        from transformers.models.auto.tokenization_auto import get_tokenizer_config

        return bool(get_tokenizer_config(str(name)).get("tokenizer_class") == MECAB_KO)
    try:
        config = read_json(Path(name) / TOKENIZER_CONFIG)
    except (OSError, ValueError):  # whoever loads the tokenizer says so
        return False
    return isinstance(config, dict) and config.get("tokenizer_class") == MECAB_KO


def auto_tokenizer(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> Any:
    """As `AutoTokenizer` loads it. One that cuts at morphemes at use is loaded by our own copy of its code, so that nothing
    which came with it is run."""
    from transformers import AutoTokenizer

    if cuts_at_use(name):
        from kobert_pipeline.tokenization_mecab_ko import MecabKoTokenizer

        return MecabKoTokenizer.from_pretrained(name, **settings)
    return AutoTokenizer.from_pretrained(name, trust_remote_code=trust_remote_code, **settings)
