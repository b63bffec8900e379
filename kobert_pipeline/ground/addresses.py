"""A checkpoint or tokenizer that exists already: a folder, or `hub:owner/name`, optionally followed by `@revision`.

The sha256 of the files that are read identifies a folder, the commit identifies a repository.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.hub_client import download
from kobert_pipeline.ground.hub_revisions import COMMIT, Repository, commit_of, file_names
from kobert_pipeline.ground.messages import say

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand_variables(value: str, where: str) -> str:
    """Replaces `${NAME}` and `${NAME:-default}` by values of the environment. Raises RecipeError for a variable that is not set."""

    def replace(match: re.Match[str]) -> str:
        text = os.environ.get(match[1], match[2])
        if text is None:
            raise RecipeError(
                "{where}: {value}: the environment variable {name} is not set. Set it to a folder, or write a path.",
                where=where,
                value=value,
                name=match[1],
            )
        return text

    return _VARIABLE.sub(replace, value)


PACKAGE = "package:"


def package_path(path: str) -> Path:
    """`package:corpora/sample/x` -> the file inside an installed package. Raises RecipeError if there is no such package."""
    package, _, inside = path.removeprefix(PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise RecipeError("{path}: there is no package `{package}`", path=path, package=package)
    return Path(next(iter(spec.submodule_search_locations))) / inside


HUB = "hub:"
WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")
SETTINGS = ("config.json",)
TOKENIZER = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")


def is_on_hub(name: str) -> bool:
    return name.startswith(HUB)


def identity(name: str, setting: str, patterns: Sequence[str], hashes: FileHashes) -> dict[str, str]:
    """Its inputs for a fingerprint: name -> sha256 or commit. Each name begins with the last part of `setting`.

    Raises InputError for a folder that is missing or has none of the files, and for a Hub that does not answer.
    """
    if name.startswith(HUB):
        return commit(name, setting)
    label = setting.rpartition(".")[2]
    files = _files(_folder(name, setting), patterns)
    if not files:
        raise InputError(
            "{setting}: {name}: holds none of {patterns}", setting=setting, name=name, patterns=", ".join(patterns)
        )
    return {f"{label} {path.name}": hashes[path] for path in files}


def commit(name: str, setting: str) -> dict[str, str]:
    """The same for a repository alone."""
    return {f"{setting.rpartition('.')[2]} {name}": _commit(name, setting)}


def local_folder(name: str, setting: str, patterns: Sequence[str], inputs: dict[str, str]) -> Path:
    """The folder, or the downloaded files of the repository, at the commit that `identity` put into `inputs`."""
    if not name.startswith(HUB):
        return _folder(name, setting)
    from huggingface_hub import snapshot_download

    repository = _on_hub(name).name
    revision = inputs[f"{setting.rpartition('.')[2]} {name}"]
    return Path(
        download(
            lambda: snapshot_download(repository, revision=revision, allow_patterns=list(patterns)),
            say("{setting}: {name}: cannot be downloaded", setting=setting, name=name), repository, say("Or name a folder."),
        )
    )  # fmt: skip


def listed(name: str, setting: str) -> list[str]:
    """The names of its files. Raises InputError, in seconds, for a folder or a repository that is missing or may not be read."""
    if name.startswith(HUB):
        return file_names(_on_hub(name), *_place(name, setting))
    return sorted(path.name for path in _folder(name, setting).iterdir())


def downloaded(model: str, patterns: Sequence[str]) -> Path:
    """A folder as it is, or the newest files of a Hub id `owner/name`. Raises whatever the Hub's client raises."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=list(patterns)))


def _folder(name: str, setting: str) -> Path:
    folder = Path(expand_variables(name, setting)).expanduser()
    if not folder.is_dir():
        hint = (
            say(" A model on the Hub is written {name}.", name=HUB + name)
            if re.fullmatch(r"[\w.-]+/[\w.-]+", name)
            else ""
        )
        raise InputError("{setting}: {name}: no such folder.{hint}", setting=setting, name=name, hint=hint)
    return folder


def _files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def _on_hub(name: str) -> Repository:
    return Repository.parse(name.removeprefix(HUB))


def _commit(name: str, setting: str) -> str:
    """A commit is itself, without a question. `listed` asks whether it is there."""
    repository = _on_hub(name)
    if COMMIT.fullmatch(repository.revision):
        return repository.revision
    return commit_of(repository, *_place(name, setting))


def _place(name: str, setting: str) -> tuple[str, str]:
    hint = say("Or name a folder, or add the commit: hub:owner/name@COMMIT.")
    return say("{setting}: {name}: the Hub does not answer for it", setting=setting, name=name), hint
