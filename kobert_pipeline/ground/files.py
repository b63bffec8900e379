"""Files: written completely or not at all, and identified by their sha256."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from kobert_pipeline.ground.errors import InputError, WrongValue
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

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


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder next to `path`. On success it is renamed, on failure removed. Raises InputError if `path` is there
    and not empty."""
    require_new(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():
            path.rmdir()
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_new(path: Path) -> None:
    """Raises InputError unless the folder `path` is missing or empty."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError("{path}: is there already, and not empty. Name a new folder, or remove it.", path=path)


def write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """What `write_json` writes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def is_hidden(path: PurePath) -> bool:
    """Whether people do not see a file: macOS keeps `._dev.json` and `__MACOSX/…` next to a `dev.json`."""
    return any(part == "__MACOSX" or (part.startswith(".") and part.strip(".") != "") for part in path.parts)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError with a short reason, also for one that is nested too deeply and for half of
    a surrogate pair, which is not a character and which UTF-8 cannot write."""
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise WrongValue("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise WrongValue("it holds half of a surrogate pair, which is not a character") from None
    return value


AGAIN = "Remove the folder and run the recipe again."


def read_json(path: Path, remedy: str = AGAIN) -> Any:
    """The value of a JSON file. Raises FileNotFoundError, and InputError with the file, the reason and the `remedy` for one
    that is damaged."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            "{path}: not a readable JSON file: {error}. {remedy}",
            path=path,
            error=_reason(path, error),
            remedy=say(remedy),
        ) from None


def read_object(path: Path, remedy: str = AGAIN) -> dict[str, Any]:
    """The same for a file whose top level is an object. Raises InputError also for one that is missing."""
    try:
        value = read_json(path, remedy)
    except FileNotFoundError:
        raise InputError("{path}: no such file. {remedy}", path=path, remedy=say(remedy)) from None
    if not isinstance(value, dict):
        raise InputError(
            "{path}: holds a {kind}, not an object. {remedy}", path=path, kind=type(value).__name__, remedy=say(remedy)
        )
    return value


def read_cache(path: Path) -> dict[str, Any] | None:
    """What an earlier run noted down, and what can be computed again. None if it is missing, and with a warning if it is
    damaged."""
    if not path.is_file():
        return None
    try:
        return read_object(path, "It is made again.")
    except InputError as error:
        logger.warning("%s", error)
        return None


def read_json_lines(path: Path, remedy: str = AGAIN) -> Iterator[dict[str, Any]]:
    """The objects of a file with one in each line. Raises InputError with the number of the line that is damaged."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                value = _object(parse_json(line.decode("utf-8")))
            except ValueError as error:
                raise InputError(
                    "{path}, line {number}: not a JSON object: {error}. {remedy}",
                    path=path,
                    number=number,
                    error=error,
                    remedy=say(remedy),
                ) from None
            yield value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongValue("it is a {kind}", kind=type(value).__name__)
    return value


def _reason(path: Path, error: ValueError) -> str:
    return say("it is empty") if not path.stat().st_size else str(error)


def damaged(path: Path, remedy: str = AGAIN) -> InputError:
    """The error for a JSON file that can be read and lacks what it should hold."""
    return InputError("{path}: does not hold what was written there. {remedy}", path=path, remedy=say(remedy))


class FileHashes:
    """sha256 of input files. `<root>/.file_hashes.json` remembers them by path, size and modification time, if it can be
    written: commands that only read work on a read-only disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root / ".file_hashes.json"
        self._known: dict[str, Any] = read_cache(self._path) or {}

    def __getitem__(self, path: Path) -> str:
        status = path.stat()
        key, stamp = str(path.resolve()), [status.st_size, status.st_mtime_ns]
        entry = self._known.get(key)
        if not (isinstance(entry, list) and len(entry) == 3 and entry[:2] == stamp):
            entry = [*stamp, file_sha256(path)]
            self._known[key] = entry
            try:
                write_json(self._path, self._known)
            except OSError as error:
                if error.errno not in (errno.EROFS, errno.EACCES):
                    raise
        return str(entry[2])
