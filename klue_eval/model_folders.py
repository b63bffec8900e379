"""The folder of the model that is scored: where it is, and the hashes that identify it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes, file_sha256, read_object
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.ground.hub_client import download
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.tokenizer_files import CONFIG as TOKENIZER_CONFIG
from kobert_pipeline.morphology.tokenizer_files import PATTERNS as TOKENIZER_PATTERNS
from kobert_pipeline.morphology.tokenizer_files import read_part, tokenizer_files

CODE = (".py",)
"""Files that a model may bring with it and that run only if the model is trusted."""
PASSING = ("_name_or_path", "architectures", "transformers_version", "dtype", "torch_dtype")
"""Keys of a configuration that do not decide what an untrained model is."""
READ_ANEW = {"xlnet": "segments and [CLS] at the end", "funnel": "the segment of [CLS]"}
"""Model type -> what its evaluation read wrong once. Runs of that time have another identity, and are not used."""
UNREAD = ("chat_template", "name_or_path", "_name_or_path", "transformers_version")
"""Keys of tokenizer_config.json that do not decide how text is read."""


def resolve_model(model: Path | str, trust_remote_code: bool = False) -> Path:
    """Returns a folder as it is, and downloads a Hub id, with its Python code only if that is trusted.

    Raises InputError for anything else.
    """
    folder = Path(model)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError("{folder}: no config.json; name a folder that `save_pretrained` wrote", folder=folder)
        return folder
    if isinstance(model, Path) or model.count("/") > 1:
        raise InputError("{model}: no such folder", model=model)
    return _download(model, CODE if trust_remote_code else ())


def _download(repository: str, code: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    weights = ["*.json", "*.txt", "*.safetensors", "pytorch_model*.bin"]
    patterns = [*weights, *TOKENIZER_PATTERNS, *(f"*{suffix}" for suffix in code)]
    place = say("{name}: neither a folder nor a model that can be downloaded", name=repository)
    return Path(download(lambda: snapshot_download(repository, allow_patterns=patterns), place, repository, ""))


def folder_identity(folder: Path, root: Path, trust_remote_code: bool = False) -> str:
    """Hashes the weights, the configuration and the tokenizer, and the code if it runs."""
    hashes = FileHashes(root)
    suffixes = {".json", ".txt", ".model", ".safetensors", ".bin", *(CODE if trust_remote_code else ())}
    files = {path for path in folder.iterdir() if path.suffix in suffixes} | set(tokenizer_files(folder))
    return fingerprint_of({path.name: hashes[path] for path in sorted(files)} | _read_anew(_config(folder)))


def untrained_identity(folder: Path, trust_remote_code: bool = False) -> str:
    """Hashes the architecture and everything that its tokenizer reads: two checkpoints of one architecture share their
    untrained runs. A chat template is not read."""
    config = _config(folder)
    code = [path for path in sorted(folder.iterdir()) if trust_remote_code and path.suffix in CODE]
    hashes = {path.name: file_sha256(path) for path in [*tokenizer_files(folder), *code]}
    settings = read_part(folder, TOKENIZER_CONFIG)
    if settings:
        hashes[TOKENIZER_CONFIG] = fingerprint_of({key: settings[key] for key in settings if key not in UNREAD})
    decides = {key: config[key] for key in config if key not in PASSING}
    return fingerprint_of({"config": decides, **hashes, **_read_anew(config)})


def _config(folder: Path) -> dict[str, Any]:
    return read_object(folder / "config.json", "Copy or download the model again.")


def _read_anew(config: Mapping[str, Any]) -> dict[str, str]:
    change = READ_ANEW.get(str(config.get("model_type")))
    return {} if change is None else {"reading": change}
