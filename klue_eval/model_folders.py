"""The folder of the model that is scored: where it is, and the hashes that identify it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes, read_object
from kobert_pipeline.ground.fingerprints import fingerprint_of

CODE = (".py",)
"""Files that a model may bring with it and that run only if the model is trusted."""
PASSING = ("_name_or_path", "architectures", "transformers_version", "dtype", "torch_dtype")
"""Keys of a configuration that do not decide what an untrained model is."""


def resolve_model(model: Path | str, trust_remote_code: bool = False) -> Path:
    """Returns a folder as it is, and downloads a Hub id, with its Python code only if that is trusted.

    Raises InputError for anything else.
    """
    folder = Path(model)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder}: no config.json; name a folder that `save_pretrained` wrote")
        return folder
    if isinstance(model, Path) or model.count("/") > 1:
        raise InputError(f"{model}: no such folder")
    return _download(model, CODE if trust_remote_code else ())


def _download(repository: str, code: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin", *(f"*{suffix}" for suffix in code)]
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(f"{repository}: neither a folder nor a model that can be downloaded: {error}") from None


def folder_identity(folder: Path, root: Path, trust_remote_code: bool = False) -> str:
    """Hashes the weights, the configuration and the tokenizer, and the code if it runs."""
    hashes = FileHashes(root)
    suffixes = {".json", ".txt", ".model", ".safetensors", ".bin", *(CODE if trust_remote_code else ())}
    return fingerprint_of({path.name: hashes[path] for path in sorted(folder.iterdir()) if path.suffix in suffixes})


def untrained_identity(folder: Path, trust_remote_code: bool = False) -> str:
    """Hashes the architecture and the tokenizer: two checkpoints of one architecture share their untrained runs."""
    config = read_object(folder / "config.json", "Copy or download the model again.")
    code = sorted(path.name for path in folder.iterdir() if trust_remote_code and path.suffix in CODE)
    texts = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", *code)
        if (folder / name).is_file()
    }
    return fingerprint_of({"config": {key: config[key] for key in config if key not in PASSING}, **texts})
