"""A checkpoint or tokenizer that exists already: a folder, or `hub:owner/name`, with `@revision` behind it if need be.

A folder is known by the sha256 of the files that are read of it, a repository by its commit.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import FileHashes

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand_variables(value: str, where: str) -> str:
    """`${NAME}` and `${NAME:-default}` from the environment. Raises RecipeError for a variable that is not set."""

    def replace(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise RecipeError(
                f"{where}: {value}: the environment variable {match[1]} is not set. Set it to a folder, or write a path."
            )
        return found

    return _VARIABLE.sub(replace, value)


PACKAGE = "package:"


def package_path(path: str) -> Path:
    """`package:corpora/sample/x` -> the file inside an installed package. Raises RecipeError where there is no such package."""
    package, _, inside = path.removeprefix(PACKAGE).partition("/")
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise RecipeError(f"{path}: there is no package `{package}`")
    return Path(next(iter(found.submodule_search_locations))) / inside


HUB = "hub:"
WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")
TOKENIZER = ("tokenizer.json", "vocab.txt")
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
