"""Which file of a folder holds a split of a task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from klue_eval.data.archives import ENDINGS, is_archive, unpacked
from klue_eval.layouts import PLAIN
from kobert_pipeline.config import PACKAGE, expand_variables, package_path
from kobert_pipeline.errors import InputError

SAMPLE = "package:klue_eval/sample"
SPLIT_WORDS: Mapping[str, tuple[str, ...]] = {"train": ("train",), "dev": ("dev", "validation", "val")}
FORMATS = tuple(PLAIN)


def resolve_folder(data: str) -> Path:
    """`${VARIABLE}` expanded, `package:NAME/…` found beside the installed code, an archive or a folder of archives
    unpacked. Raises InputError if it is none of these."""
    expanded = expand_variables(data, "klue_eval.data")
    folder = package_path(expanded) if expanded.startswith(PACKAGE) else Path(expanded).expanduser()
    if is_archive(folder):
        return unpacked([folder])
    if not folder.is_dir():
        raise InputError(
            f"{data}: no such folder. Name the folder or the archive ({', '.join(ENDINGS)}) that holds KLUE's files, "
            f"`{SAMPLE}`, or `hub:klue`."
        )
    archives = sorted(path for path in folder.iterdir() if is_archive(path))
    return unpacked(archives) if archives and not _data_files(folder) else folder


def _data_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix.lower() in FORMATS]


def find_split(task_name: str, folder: Path, split: str) -> Path:
    """The file of a split anywhere below `folder`: its name holds the task's name as a word and ends in the split's.

    JSON wins over JSON Lines, CSV and TSV. Raises InputError when there is none, or more than one of a kind.
    """
    word = re.compile(rf"(?<![a-z]){task_name}(?![a-z])", re.IGNORECASE)
    ending = re.compile(rf"(?:.*[-_.])?(?:{'|'.join(SPLIT_WORDS[split])})", re.IGNORECASE)
    named = [path for path in _data_files(folder) if word.search(path.name) and ending.fullmatch(path.stem)]
    for suffix in FORMATS:
        found = sorted(path for path in named if path.suffix.lower() == suffix)
        if len(found) > 1:
            names = ", ".join(path.relative_to(folder).as_posix() for path in found)
            raise InputError(
                f"{folder}: several {split} files of {task_name}: {names}. Name a folder with one of them."
            )
        if found:
            return found[0]
    looked_for = ", ".join(f"*{task_name}*_{word}{{{','.join(FORMATS)}}}" for word in SPLIT_WORDS[split])
    raise InputError(f"{folder}: no {split} file of {task_name}; looked for {looked_for}, also in folders below")
