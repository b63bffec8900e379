"""Archives of KLUE's files, unpacked once into a temporary folder that is named by their content."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from klue_eval.layouts import PLAIN
from kobert_pipeline.ground.archives import DAMAGED, Member, is_zip, tar_members, zip_members
from kobert_pipeline.ground.compression import Replayable, decompressed, split_compression
from kobert_pipeline.ground.errors import InputError

TAR = (".tar", ".tar.gz", ".tgz", ".tar.zst")
ENDINGS = (*TAR, ".zip")


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ENDINGS) and path.is_file()


def unpacked(archives: Sequence[Path]) -> Path:
    """Gives the folder with the data files of these archives. Raises InputError for one that cannot be read.

    The folder is written under another name and then renamed, so that a folder of this name is complete.
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
    """Writes the data files of an archive into a folder. Raises InputError for a data file that must not be read."""
    try:
        with archive.open("rb") as stream:
            for member in _members(stream, archive.name):
                if _is_data(member.name):
                    if member.refused:
                        raise InputError(
                            f"{archive}: {member.name} is not read ({member.refused}); pack it as a plain file"
                        )
                    _write(member, folder / member.name)
    except DAMAGED as error:
        raise InputError(f"{archive}: no readable archive: {error}") from None


def _members(stream: IO[bytes], name: str) -> Iterator[Member]:
    if is_zip(name):
        return zip_members(stream)
    content: Any = Replayable(decompressed(stream, split_compression(name)[1]))
    return tar_members(io.BufferedReader(content))


def _write(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def _is_data(name: str) -> bool:
    return Path(name).suffix.lower() in PLAIN
