"""Which file of a folder holds a split of a task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from klue_eval.data.unpacking import ENDINGS, SUFFIXES, is_archive, unpacked
from klue_eval.layouts import PLAIN
from klue_eval.tasks import KNOWN, find_task
from kobert_pipeline.ground.addresses import PACKAGE, expand_variables, package_path
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import is_hidden
from kobert_pipeline.ground.messages import say

SAMPLE = "package:klue_eval/sample"
SPLIT_WORDS: Mapping[str, tuple[str, ...]] = {"train": ("train",), "dev": ("dev", "validation", "val")}
ONLY = "held_out"
"""The one labelled file of a task that has no train and dev: its dev, otherwise the file called `labelled`."""
PART = r"(?:[-_.](?:partial|\d+of\d+))?"
"""What follows the split in the name of a file that has only a part of it."""
FORMATS = tuple(PLAIN)


def resolve_folder(data: str) -> Path:
    """Returns the folder of the data: expands `${VARIABLE}`, finds `package:NAME/…` in the installed code, and unpacks
    an archive or a folder of archives. Raises InputError for anything else."""
    expanded = expand_variables(data, "klue_eval.data")
    folder = package_path(expanded) if expanded.startswith(PACKAGE) else Path(expanded).expanduser()
    if is_archive(folder):
        return unpacked([folder])
    if not folder.is_dir():
        raise InputError(
            "{data}: no such folder. Name the folder or the archive ({endings}) with KLUE's files, `{sample}`, or `hub:klue`.",
            data=data,
            endings=", ".join(ENDINGS),
            sample=SAMPLE,
        )
    archives = sorted(path for path in folder.iterdir() if is_archive(path))
    return unpacked(archives) if archives and not _has_data(folder) else folder


def _has_data(folder: Path) -> bool:
    """Whether a file next to the archives is data: a file of text may be a description of them."""
    released = {Path(name).name for task in KNOWN.values() for name in task.files.values()}
    return any(path.suffix.lower() in FORMATS or path.stem in released for path in _data_files(folder))


def _data_files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not is_hidden(path.relative_to(folder))
    ]


def find_split(task_name: str, folder: Path, split: str, shown: str = "") -> Path:
    """Finds the file of a split (`train`, `dev`, or ONLY) anywhere below `folder`. Its name has the task's name as a
    word and ends with the split's (`klue-re-v1.1_dev.json`), which `partial` or `4of5` may follow.

    A whole file is preferred to a part, then JSON to JSON Lines, CSV and TSV. Raises InputError, which calls the folder
    `shown`, if there is no such file, or more than one of a kind.
    """
    try:
        return _find_split(task_name, folder, split)
    except _NotFound as error:
        raise InputError("{folder}: {error}", folder=shown or folder, error=error) from None


class _NotFound(Exception):
    """The message says what is missing from the data, or is there several times."""


def _find_split(task_name: str, folder: Path, split: str) -> Path:
    released = find_task(task_name).files
    if split == "train" and set(released) == {"dev"}:
        raise _NotFound(say("{task} has one labelled file; {hint}", task=task_name, hint=_cut_in_two(task_name)))
    if name := released.get("dev" if split == ONLY else split):
        return _released_file(task_name, folder, name)
    files = [path for path in _data_files(folder) if path.suffix.lower() in FORMATS and _is_word(task_name, path.name)]
    kinds = ("dev", "labelled") if split == ONLY else (split,)
    for words in (SPLIT_WORDS.get(kind, (kind,)) for kind in kinds):
        for part in ("", PART):
            found = _first_format(
                task_name, folder, words, [path for path in files if _ends_in(path.stem, words, part)]
            )
            if found:
                return found
    raise _NotFound(_missing(task_name, folder, split, files))


def _released_file(task_name: str, folder: Path, name: str) -> Path:
    """Finds the file whose path, without its suffix, ends with `name`. Raises InputError unless there is one."""
    found = sorted(path for path in _data_files(folder) if f"/{path.with_suffix('').as_posix()}".endswith(f"/{name}"))
    if len(found) > 1:
        raise _NotFound(
            say(
                "several files {name} of {task}: {names}. Keep one of them.",
                name=name,
                task=task_name,
                names=_names(found, folder),
            )
        )
    if not found:
        raise _NotFound(
            say(
                "no file of {task}; looked for {name}{{{endings}}}, also in folders below",
                task=task_name,
                name=name,
                endings=",".join(SUFFIXES),
            )
        )
    return found[0]


def _is_word(word: str, name: str) -> bool:
    return re.search(rf"(?<![a-z]){word}(?![a-z])", name, re.IGNORECASE) is not None


def _ends_in(stem: str, words: Sequence[str], part: str) -> bool:
    return re.fullmatch(rf"(?:.*[-_.])?(?:{'|'.join(words)}){part}", stem, re.IGNORECASE) is not None


def _first_format(task_name: str, folder: Path, words: Sequence[str], files: Sequence[Path]) -> Path | None:
    for suffix in FORMATS:
        found = sorted(path for path in files if path.suffix.lower() == suffix)
        if len(found) > 1:
            raise _NotFound(
                say(
                    "several {split} files of {task}: {names}. Name a folder with one of them.",
                    split=words[0],
                    task=task_name,
                    names=_names(found, folder),
                )
            )
        if found:
            return found[0]
    return None


def _names(files: Sequence[Path], folder: Path) -> str:
    return ", ".join(sorted(path.relative_to(folder).as_posix() for path in files))


def _missing(task_name: str, folder: Path, split: str, files: Sequence[Path]) -> str:
    """Says what was looked for, what is there instead, and what to do."""
    words = (*SPLIT_WORDS["dev"], "labelled") if split == ONLY else SPLIT_WORDS[split]
    wanted = "labelled" if split == ONLY else split
    looked_for = ", ".join(f"*{task_name}*_{word}[_partial]{{{','.join(FORMATS)}}}" for word in words)
    message = say(
        "no {split} file of {task}; looked for {names}, also in folders below",
        split=wanted,
        task=task_name,
        names=looked_for,
    )
    if files:
        message += say(". For {task} there is only {names}", task=task_name, names=_names(files, folder))
    dev = (*SPLIT_WORDS["dev"], "labelled")
    if split == "train" and any(_ends_in(path.stem, dev, PART) for path in files):
        message += f"; {_cut_in_two(task_name)}"
    return message


def _cut_in_two(task_name: str) -> str:
    return say("with `--held-out {task}` (`klue_eval.held_out` in a recipe), 80 % of it is trained on", task=task_name)
