"""Archives of KLUE's files, unpacked once into a temporary folder that is named by their content."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import zstandard

from klue_eval.layouts import PLAIN
from kobert_pipeline.ground.errors import InputError

TAR = (".tar", ".tar.gz", ".tgz", ".tar.zst")
ENDINGS = (*TAR, ".zip")


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ENDINGS) and path.is_file()


def unpacked(archives: Sequence[Path]) -> Path:
    """The folder that holds the data files of these archives. Raises InputError for one that cannot be read.

    It is made under another name and then renamed, so that a folder of this name is complete.
    """
    digest = hashlib.sha256()
    for archive in archives:
        digest.update(hashlib.sha256(archive.read_bytes()).digest())
    folder = Path(tempfile.gettempdir()) / f"kobert-klue-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}-") as partial:
            files = Path(partial) / "files"
            files.mkdir()
            for archive in archives:
                _unpack(archive, files)
            with contextlib.suppress(OSError):  # another process was faster
                files.rename(folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if archive.name.lower().endswith(".zip"):
            _unpack_zip(archive, folder)
        elif archive.name.lower().endswith(".zst"):
            with archive.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
                _unpack_tar(stream, "r|", folder)
        else:
            with archive.open("rb") as stream:
                _unpack_tar(stream, "r:*", folder)
    except (tarfile.TarError, zipfile.BadZipFile, zstandard.ZstdError, EOFError, OSError) as error:
        raise InputError(f"{archive}: no readable archive: {error}") from None


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if _is_data(name):
                opened.extract(name, folder)


def _unpack_tar(stream: IO[bytes], mode: str, folder: Path) -> None:
    with tarfile.open(fileobj=stream, mode=mode) as opened:  # type: ignore[call-overload]
        for member in opened:
            if member.isfile() and _is_data(member.name):
                opened.extract(member, folder, filter="data")


def _is_data(name: str) -> bool:
    return Path(name).suffix.lower() in PLAIN
