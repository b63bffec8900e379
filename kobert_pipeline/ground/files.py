"""Files: written completely or not at all, and identified by their sha256."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

TEMPORARY = ".tmp"


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`. On success it is synced and renamed, on failure removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def is_hidden(path: PurePath) -> bool:
    """Whether people do not see a file: macOS keeps `._dev.json` and `__MACOSX/…` next to a `dev.json`."""
    return any(part == "__MACOSX" or (part.startswith(".") and part.strip(".") != "") for part in path.parts)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


class FileHashes:
    """sha256 of input files. `<root>/.file_hashes.json` remembers them by path, size and modification time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root / ".file_hashes.json"
        self._known: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._known = read_json(self._path)

    def __getitem__(self, path: Path) -> str:
        status = path.stat()
        key, stamp = str(path.resolve()), [status.st_size, status.st_mtime_ns]
        entry = self._known.get(key)
        if entry is None or entry[:2] != stamp:
            entry = [*stamp, file_sha256(path)]
            self._known[key] = entry
            write_json(self._path, self._known)
        return str(entry[2])
