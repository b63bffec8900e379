"""Archives of KLUE's files, unpacked once into a temporary folder that is named by their content."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from klue_eval.layouts import PLAIN
from kobert_pipeline.ground.archives import DAMAGED, Member, is_zip, tar_members, zip_members
from kobert_pipeline.ground.compression import Replayable, decompressed, split_compression
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import file_sha256, is_hidden, read_json, write_json

VERSION = b"2"
"""Raised when other files are unpacked, so that folders of an earlier version are not used."""
SUFFIXES = (*PLAIN, ".txt")
"""Of data files. NSMC's are `.txt`."""
TAR = (".tar", ".tar.gz", ".tgz", ".tar.zst")
ENDINGS = (*TAR, ".zip")
COMPRESSED = tuple(f"{suffix}{ending}" for suffix in SUFFIXES for ending in (".gz", ".zst"))
"""A single data file, which is unpacked like an archive."""


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith((*ENDINGS, *COMPRESSED)) and path.is_file()


def unpacked(archives: Sequence[Path]) -> Path:
    """Gives the folder with the data files of these archives. Raises InputError for one that cannot be read.

    The folder is written under another name and then renamed. The list next to it has its files: a folder that has lost
    one (systems clean their temporary folder) is unpacked again.
    """
    digest = hashlib.sha256(VERSION)
    for archive in archives:
        digest.update(bytes.fromhex(file_sha256(archive)))
        if archive.name.lower().endswith(COMPRESSED):  # its own name is that of the data file
            digest.update(archive.name.encode())
    folder = Path(tempfile.gettempdir()) / f"kobert-klue-{digest.hexdigest()[:16]}"
    if not _is_whole(folder):
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}-") as partial:
            files = Path(partial) / "files"
            files.mkdir()
            for archive in archives:
                _unpack(archive, files)
            write_json(_list(folder), _sizes(files))
            if folder.exists() and not _is_whole(folder):
                folder.rename(Path(partial) / "incomplete")
            with contextlib.suppress(OSError):  # another process was faster
                files.rename(folder)
    return folder


def _is_whole(folder: Path) -> bool:
    """Whether the folder has all files that were unpacked into it, with their sizes."""
    try:
        return bool(read_json(_list(folder)) == _sizes(folder))
    except (OSError, ValueError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _list(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.json")


def _unpack(archive: Path, folder: Path) -> None:
    """Writes the data files of an archive into a folder. Raises InputError for a data file that must not be read."""
    try:
        with archive.open("rb") as stream:
            for member in _members(stream, archive.name):
                if _is_data(member.name):
                    if member.refused:
                        raise InputError(
                            "{archive}: {member} is not read ({refused}); pack it as a plain file",
                            archive=archive,
                            member=member.name,
                            refused=member.refused,
                        )
                    _write(member, folder / member.name)
    except DAMAGED as error:
        raise InputError("{archive}: no readable archive: {error}", archive=archive, error=error) from None


def _members(stream: IO[bytes], name: str) -> Iterator[Member]:
    if is_zip(name):
        return zip_members(stream)
    content: Any = Replayable(decompressed(stream, split_compression(name)[1]))
    if name.lower().endswith(COMPRESSED):
        return iter([Member(Path(name).stem, lambda: io.BufferedReader(content))])
    return tar_members(io.BufferedReader(content))


def _write(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def _is_data(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix.lower() in SUFFIXES and not is_hidden(path)
