"""From the paths of a recipe to the files that are read."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from corpora.config import CorporaConfig, SourceConfig
from corpora.sources import SOURCES
from corpora.sources.source import Source, without_compression
from kobert_pipeline.config import PACKAGE, expand_variables, nearest, package_path
from kobert_pipeline.errors import InputError, RecipeError


@dataclass(frozen=True)
class InputFile:
    source: SourceConfig
    address: str
    format: str

    @property
    def is_local(self) -> bool:
        return "://" not in self.address


def input_files(config: CorporaConfig) -> list[InputFile]:
    """Every file of every source, sources in the recipe's order, files by name. Raises InputError when one has none."""
    return [
        InputFile(source, address, _format(source, address))
        for source in config.sources
        for address in _addresses(source)
    ]


def _addresses(source: SourceConfig) -> list[str]:
    path = expand_variables(source.path, f"corpora.sources.{source.name}.path")
    if "://" in path:
        return [path]
    if path.startswith(PACKAGE):
        path = str(package_path(path))
    folder = Path(path).expanduser()
    if folder.is_dir():
        found = sorted(str(file) for file in folder.rglob("*") if file.is_file() and _guess(file.name) is not None)
        if not found:
            raise InputError(f"{folder}: no file of a known format in this folder. Known endings: {_known_endings()}")
        return found
    if folder.is_file():
        return [str(folder)]
    matches = glob.glob(str(folder), recursive=True)  # noqa: PTH207  (pathlib has no absolute patterns)
    found = sorted(name for name in matches if Path(name).is_file())
    if not found:
        raise InputError(f"{path}: no such file (source `{source.name}`). Give a file, a folder or a glob that exists.")
    return found


def _format(source: SourceConfig, address: str) -> str:
    if source.format != "auto":
        if source.format not in SOURCES:
            raise RecipeError(
                f"corpora.sources.{source.name}.format: {source.format!r} is unknown; {nearest(source.format, list(SOURCES))}"
            )
        return source.format
    guessed = _guess(address)
    if guessed is None:
        raise InputError(
            f"{address}: the ending tells no format. Set `format` of source `{source.name}`, or rename: {_known_endings()}"
        )
    return guessed.name


def _guess(name: str) -> Source | None:
    bare = without_compression(name.lower())
    return next((source for source in SOURCES.values() if bare.endswith(source.suffixes)), None)


def _known_endings() -> str:
    endings = [suffix for source in SOURCES.values() for suffix in source.suffixes]
    return f"{', '.join(endings)} (plain or .gz .bz2 .xz .zst)"
