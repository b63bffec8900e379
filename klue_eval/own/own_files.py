"""Which files hold the rows of a user's own task, and how they are read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from klue_eval.own import conll, tables
from klue_eval.own.own_task import OwnTaskConfig
from kobert_pipeline.ground.addresses import PACKAGE, expand_variables, package_path
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

ENDINGS = (*tables.ENDINGS, *conll.ENDINGS)
WORDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train",),
    "dev": ("dev", "validation", "valid", "val"),
    "test": ("test",),
}
"""Split -> how its file is called, and its rows in the column `split`."""


def own_files(name: str, config: OwnTaskConfig) -> dict[str, Path]:
    """`train` and `dev` -> the file of each; the same file twice if it has both. Raises InputError if there is none."""
    expanded = expand_variables(config.file, f"klue_eval.own_tasks.{name}.file")
    path = package_path(expanded) if expanded.startswith(PACKAGE) else Path(expanded).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise InputError("{file}: no such file or folder (own task {name})", file=config.file, name=name)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            "{file}: unknown format; known: {endings}. Save a spreadsheet as CSV in UTF-8",
            file=path.name,
            endings=", ".join(ENDINGS),
        )
    return {"train": path, "dev": path}


def _in_folder(folder: Path) -> dict[str, Path]:
    files = {split: _file_of(folder, split) for split in WORDS}
    train, scored = files["train"], files["dev"] or files["test"]
    if train is None or scored is None:
        missing = "train" if train is None else say("dev or test")
        raise InputError(
            "{folder}: no {missing} file in this folder; looked for {pattern}* with {endings}",
            folder=folder,
            missing=missing,
            pattern="train" if train is None else say("dev* or test"),
            endings=", ".join(ENDINGS),
        )
    if files["dev"] and files["test"]:
        logger.info("%s: scored on %s; %s is not read", folder.name, files["dev"].name, files["test"].name)
    return {"train": train, "dev": scored}


def _file_of(folder: Path, split: str) -> Path | None:
    """`train.csv`, `judgments_train.csv`, …"""
    named = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in ENDINGS]
    found = [path for path in named if split_named(path.stem.replace("-", "_").split("_")[-1]) == split]
    if len(found) > 1:
        raise InputError(
            "{folder}: several {split} files: {found}. Keep one of them",
            folder=folder,
            split=split,
            found=", ".join(path.name for path in found),
        )
    return found[0] if found else None


def split_named(word: str) -> str | None:
    """`validation` -> `dev`. None for a word that names no split."""
    return next((split for split, words in WORDS.items() if word.lower() in words), None)


def is_tagging(path: Path, config: OwnTaskConfig) -> bool:
    """Whether a file is read as CoNLL. Raises InputError if it cannot have the kind that is asked for."""
    ending = path.suffix.lower()
    if config.kind == "tagging" and ending in tables.ENDINGS and ending != ".tsv":
        raise InputError(
            "{file}: tagging is read from CoNLL ({endings}, .tsv), not from {ending}",
            file=path.name,
            endings=", ".join(conll.ENDINGS),
            ending=ending,
        )
    if config.kind in ("classification", "regression") and ending in conll.ENDINGS:
        raise InputError(
            "{file}: is read as CoNLL, so its kind is tagging, not {kind}. Save a table as .csv or .tsv",
            file=path.name,
            kind=config.kind,
        )
    return (
        ending in conll.ENDINGS
        or config.kind == "tagging"
        or (config.kind == "auto" and ending == ".tsv" and conll.has_tags(path))
    )
