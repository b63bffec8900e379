"""Names of files: what messages show of an address, and the prefixes of document ids."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from kobert_pipeline.ground.compression import COMPRESSIONS

MAGIC = re.compile(r"[*?\[]")
"""What makes a path a glob."""
_SYSTEM_FOLDERS = frozenset(
    {
        "__macosx", ".git", ".svn", ".hg", ".ipynb_checkpoints", "__pycache__", "@eadir", ".trash", ".trashes",
        "$recycle.bin", "system volume information", ".fseventsd", ".spotlight-v100", "lost+found",
    }
)  # fmt: skip
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "ehthumbs.db", ".gitignore", ".gitattributes"})
_SYSTEM_PREFIXES = ("._", "~$", ".~lock.")
_SLASHES = re.compile(r":/{2,}")


def is_system_file(name: str) -> bool:
    """Whether a system or a program made this file next to the user's own: `._a.txt`, `__MACOSX/…`, `.git/…`, `~$a.docx`.

    `name` is a path below the folder, or in the archive, that the user named. Such files have the endings of texts.
    """
    *folders, last = name.replace("\\", "/").lower().split("/")
    return last in _SYSTEM_FILES or last.startswith(_SYSTEM_PREFIXES) or not _SYSTEM_FOLDERS.isdisjoint(folders)


def fixed_head(path: str) -> str:
    """The part of a path before its first component with a wildcard; the whole path if it exists."""
    if "://" not in path and Path(path).exists():
        return path.rstrip("/")
    magic = MAGIC.search(path)
    return path.rstrip("/") if magic is None else path[: path.rfind("/", 0, magic.start()) + 1].rstrip("/")


def below(address: str, head: str) -> str:
    """The address below `head`; empty if they are the same. File systems differ in the slashes after `://`."""
    address, head = _SLASHES.sub("://", address), _SLASHES.sub("://", head)
    if address == head:
        return ""
    return address.removeprefix(head + "/") if head not in ("", ".") else address


def as_given(given: str, inside: str) -> str:
    """A file's address in the form that the user gave: `${DATA}/raw` and `하위/글.txt` -> `${DATA}/raw/하위/글.txt`."""
    if not inside:
        return given
    magic = MAGIC.search(given)
    head = (given if magic is None else given[: given.rfind("/", 0, magic.start()) + 1]).rstrip("/")
    return f"{head}/{inside}" if head else inside


def stems(addresses: list[str], inside: list[str]) -> list[str]:
    """Prefixes of document numbers: names without endings, unless two files of the source would then have the same."""
    names = [name or address.rstrip("/").rpartition("/")[2] for address, name in zip(addresses, inside, strict=True)]
    bare = [_without_ending(name) for name in names]
    counts = Counter(bare)
    return [short if counts[short] == 1 else name for short, name in zip(bare, names, strict=True)]


def _without_ending(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    bare = last[: len(last) - len(_packing(last))]
    return folder + slash + (bare.rpartition(".")[0] or bare)


def _packing(name: str) -> str:
    return next((ending for ending in COMPRESSIONS if name.lower().endswith(ending)), "")
