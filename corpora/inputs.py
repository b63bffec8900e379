"""Which files the paths of a recipe name, and which documents a file has."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.file_names import MAGIC, as_given, below, fixed_head, is_system_file, stems
from corpora.not_read import SYSTEM, NotRead, ending, explain_not_read
from corpora.sources import SOURCES
from corpora.sources.hub_datasets import HUB, HUB_ADDRESS, local_files
from corpora.sources.json_guess import guess_json
from corpora.sources.members import members
from corpora.sources.raw_file import RawFile, open_binary
from corpora.sources.source import Damaged, Source
from corpora.sources.wrapped_lines import with_joined_lines
from kobert_pipeline.ground.addresses import PACKAGE, expand_variables, package_path
from kobert_pipeline.ground.archives import DAMAGED, is_archive
from kobert_pipeline.ground.compression import COMPRESSIONS, split_compression
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.messages import say

AUTO = "auto"
DATASETS = "datasets"
_ABSENT = (FileNotFoundError, PermissionError, IsADirectoryError)
_DAMAGED = (Damaged, pa.ArrowException, *DAMAGED)
"""What readers raise for a file that is cut off, damaged or in another format."""


@dataclass(frozen=True)
class InputFile:
    """A file, or an archive, that a source names."""

    source: SourceConfig
    address: str
    format: str
    """A name of SOURCES. `auto`: decided later, for each member of an archive or by the beginning of a `.json` file."""
    place: str
    """The address in the form that the user gave. Messages show it."""
    stem: str
    """Prefix of its numbered documents: its path below the source's folder, without endings."""
    first: bool = True
    """Whether it is the first file of its source."""

    @property
    def is_local(self) -> bool:
        return "://" not in self.address

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for one file under two names, links included."""
        if self.is_local:
            found = os.stat(self.address)  # noqa: PTH116
            return found.st_dev, found.st_ino
        return self.address, self.source.subset, self.source.split


# --- which files -----------------------------------------------------------------------------------------------------


def input_files(config: CorporaConfig, not_read: NotRead | None = None) -> list[InputFile]:
    """Gives every file: sources in the recipe's order, files by name. Raises InputError if a source has none.

    `not_read` counts the other files of folders, by source and ending.
    """
    passed: NotRead = {} if not_read is None else not_read
    return [
        file for source in config.sources for file in _files(source, passed.setdefault(source.name, Counter()))
    ]  # fmt: skip


def library_versions(files: Sequence[InputFile]) -> dict[str, str]:
    """Gives the versions of the optional libraries that read these files. An archive may hold files of any format."""
    needed = {file.format for file in files}
    any_format = any(file.format == AUTO and is_archive(file.address) for file in files)
    sources = [source for name, source in SOURCES.items() if (name in needed or any_format) and not source.missing]
    return {library: version(library) for source in sources for library in source.modules}


def _files(source: SourceConfig, not_read: Counter[str]) -> list[InputFile]:
    _check_format(source)
    path = expand_variables(source.path, f"corpora.sources.{source.name}.path")
    if path.startswith(HUB):
        return [_hub_file(source, path)]
    addresses = _addresses(source, path, not_read)
    inside = [below(address, fixed_head(local_path(path))) for address in addresses]
    return [
        InputFile(source, address, _format(source, address), as_given(source.path, name), stem, number == 0)
        for number, (address, name, stem) in enumerate(zip(addresses, inside, stems(addresses, inside), strict=True))
    ]


def _hub_file(source: SourceConfig, path: str) -> InputFile:
    name = path.removeprefix(HUB)
    if source.format not in (AUTO, DATASETS):
        raise RecipeError(
            "corpora.sources.{source}: {path} is read as `datasets`; leave out `format`", source=source.name, path=path
        )
    return InputFile(source, HUB_ADDRESS + name, DATASETS, source.path, name.rpartition("/")[2])


def local_path(path: str) -> str:
    """The path on this machine; an address stays as it is."""
    if "://" in path:
        return path
    if path.startswith(PACKAGE):
        return str(package_path(path))
    return str(Path(path).expanduser())


def _addresses(source: SourceConfig, path: str, not_read: Counter[str]) -> list[str]:
    if "://" in path:
        return _remote_addresses(source, path, not_read)
    folder = Path(local_path(path))
    if folder.is_dir():
        found = _dataset_files(folder, source) if source.format == DATASETS else _in_folder(folder, source, not_read)
        if not found:
            raise InputError(
                _nothing_known(say("{path}: no file of a known format in this folder", path=path), not_read)
            )
        return found
    if folder.is_file():
        return [str(folder)]
    matches = glob.glob(str(folder), recursive=True)  # noqa: PTH207  (pathlib has no absolute patterns)
    found = _without_system_files(sorted(name for name in matches if Path(name).is_file()), str(folder), not_read)
    if not found:
        raise InputError(
            "{path}: no such file (source `{source}`). Give a file, a folder or a glob that exists.",
            path=path,
            source=source.name,
        )
    return found


def _nothing_known(problem: str, not_read: Counter[str]) -> str:
    other = f" ({explain_not_read(not_read)})" if not_read else ""
    return say("{problem}{other}. Known endings: {endings}", problem=problem, other=other, endings=_known_endings())


def _in_folder(folder: Path, source: SourceConfig, not_read: Counter[str]) -> list[str]:
    names = sorted(str(file) for file in folder.rglob("*") if file.is_file())
    return _readable(_without_system_files(names, str(folder), not_read), source, not_read)


def _without_system_files(names: list[str], path: str, not_read: Counter[str]) -> list[str]:
    """The names that the user may mean by `path`. Counts the others."""
    kept = [name for name in names if not is_system_file(below(name, fixed_head(path)))]
    if len(kept) < len(names):
        not_read[SYSTEM] += len(names) - len(kept)
    return kept


def _dataset_files(folder: Path, source: SourceConfig) -> list[str]:
    found = local_files(folder, source)
    return [address if "://" in address else str(Path(address)) for address in found]


def _readable(names: list[str], source: SourceConfig, not_read: Counter[str]) -> list[str]:
    """The files of a folder that are of the named format. If there are none, those of any known format. Counts the rest."""
    chosen = SOURCES.get(source.format)
    chosen_names = [
        name for name in names if chosen and (is_archive(name) or chosen.may_read(split_compression(name)[0]))
    ]
    read = chosen_names or [name for name in names if _is_known(name)]
    not_read.update(ending(name) for name in sorted({*names} - {*read}))
    return read


def _remote_addresses(source: SourceConfig, path: str, not_read: Counter[str]) -> list[str]:
    """A file with a known ending is not searched for, because not every server can list its files."""
    if path.startswith(("http://", "https://")) or (_is_known(path) and not MAGIC.search(path)):
        return [path]
    try:
        system, inside = fsspec.core.url_to_fs(path)
        found = system.glob(inside) if MAGIC.search(path) else system.find(inside) if system.isdir(inside) else None
    except Exception as error:  # every file system has its own exceptions
        raise InputError("{path}: cannot be listed ({error}). Is its fsspec package installed?", path=path, error=f"{type(error).__name__}: {error}") from None  # fmt: skip
    if found is None:
        return [path]
    addresses = sorted(system.unstrip_protocol(name) for name in found if system.isfile(name))
    addresses = _without_system_files(addresses, path, not_read)
    if not MAGIC.search(path):
        addresses = _readable(addresses, source, not_read)
    if not addresses:
        raise InputError(
            _nothing_known(
                say("{path}: no file of a known format (source `{source}`)", path=path, source=source.name), not_read
            )
        )
    return addresses


# --- names and formats -----------------------------------------------------------------------------------------------


def _check_format(source: SourceConfig) -> None:
    if source.format != AUTO and source.format not in SOURCES:
        raise RecipeError(
            "corpora.sources.{source}.format: {format!r} is unknown; {meant}",
            source=source.name,
            format=source.format,
            meant=nearest(source.format, list(SOURCES)),
        )
    if source.format in SOURCES:
        SOURCES[source.format].require(source.path)


def _format(source: SourceConfig, address: str) -> str:
    if source.format != AUTO:
        return source.format
    guessed = _guess(address)
    if guessed is not None:
        guessed.require(address)
        return guessed.name
    if _is_known(address):
        return AUTO
    raise InputError(
        "{address}: the format cannot be seen from the ending. Set `format` of source `{source}`, or rename: {endings}",
        address=address,
        source=source.name,
        endings=_known_endings(),
    )


def _guess(name: str) -> Source | None:
    bare = split_compression(name)[0]
    return next((source for source in SOURCES.values() if source.is_certain(bare)), None)


def _is_known(name: str) -> bool:
    guessed = _guess(name)
    return is_archive(name) or bool(guessed and not guessed.missing) or split_compression(name)[0].endswith(".json")


def _known_endings() -> str:
    endings = [suffix for source in SOURCES.values() for suffix in source.suffixes]
    return f"{', '.join(endings)}, .json, wiki_00 (plain or {' '.join(COMPRESSIONS)}), .zip, .tar"


# --- documents -------------------------------------------------------------------------------------------------------


def read(
    file: InputFile, encodings: Counter[str] | None = None, not_read: Counter[str] | None = None
) -> Iterator[tuple[Document | Drop, str]]:
    """Gives each document, or the reason why one is missing, with the name of its format.

    `encodings` counts files, and members of archives, by the encoding that they were decoded from. `not_read` counts
    members of archives that are not read, by ending. Raises InputError for a file that does not exist, and for a
    damaged one unless `damaged` of its source is `skip`.
    """
    counts: Counter[str] = Counter() if encodings is None else encodings
    raw = RawFile(
        file.place, file.stem, file.address, lambda: open_binary(file.address),
        address=file.address, seekable=True, first=file.first,
    )  # fmt: skip
    if file.format != DATASETS and is_archive(file.address):
        yield from _read_archive(raw, file.source, counts, Counter() if not_read is None else not_read)
    else:
        yield from _read_file(raw, file.format, file.source, counts)


def _read_archive(
    archive: RawFile, settings: SourceConfig, encodings: Counter[str], not_read: Counter[str]
) -> Iterator[tuple[Document | Drop, str]]:
    found = False
    try:
        for member in members(archive):
            if isinstance(member, Drop):
                found = True
                yield member, AUTO
            elif is_system_file(member.name):
                not_read[SYSTEM] += 1
            elif name := _member_format(member.name, settings):
                member.first = archive.first and not found
                found = True
                yield from _read_file(member, name, settings, encodings)
            else:
                not_read[ending(member.name)] += 1
        if not found:
            yield Drop("empty_archive", archive.place), AUTO
    except _DAMAGED as error:
        yield _damage(archive.place, "archive", settings, error), AUTO
    finally:
        archive.close()


def _member_format(name: str, settings: SourceConfig) -> str:
    """The format of the member; empty for a file that is ignored, as it would be in a folder."""
    bare = split_compression(name)[0]
    if settings.format != AUTO:
        return settings.format if SOURCES[settings.format].may_read(bare) else ""
    guessed = _guess(name)
    if guessed is None:
        return AUTO if bare.endswith(".json") else ""
    return "" if guessed.missing else guessed.name


def _read_file(
    raw: RawFile, name: str, settings: SourceConfig, encodings: Counter[str]
) -> Iterator[tuple[Document | Drop, str]]:
    try:
        if (name == AUTO or SOURCES[name].has_bytes) and not raw.head(1):
            yield Drop("empty_file", raw.place), name
            return
        name = guess_json(raw, settings.name) if name == AUTO else name
        for item in SOURCES[name].read(raw, settings):
            yield with_joined_lines(item) if settings.line_breaks == "join" else item, name
    except _DAMAGED as error:
        yield _damage(raw.place, name, settings, error), name
    finally:
        raw.close()
        if raw.encoding is not None:
            encodings[raw.encoding] += 1


def _damage(place: str, name: str, settings: SourceConfig, error: Exception) -> Drop:
    """Raises InputError, unless the source says that damaged files are skipped. A missing file is never skipped."""
    if isinstance(error, _ABSENT):
        raise InputError(
            "{place}: cannot be read ({error}; source `{source}`)",
            place=place,
            error=error.strerror or error,
            source=settings.name,
        ) from None
    if settings.damaged == "skip":
        return Drop("damaged", place)
    raise InputError(
        "{place}: cannot be read as {format}: {error}. `damaged: skip` of source `{source}` keeps what is before the "
        "damage and continues with the next file.",
        place=place,
        format=name,
        error=error,
        source=settings.name,
    ) from None
