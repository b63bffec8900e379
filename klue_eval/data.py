"""KLUE's files -> rows: the official JSON, CSV, TSV and JSON Lines of the same fields, or the Hub's copy.

Labels are mapped by their string, never by their number: copies of the data number them differently.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.task import KlueTask, Row
from klue_eval.tasks import find_task
from kobert_pipeline.config import PACKAGE, expand_variables, package_path
from kobert_pipeline.errors import InputError

logger = logging.getLogger(__name__)

HUB = "hub:"
SAMPLE = "package:klue_eval/sample"
SPLIT_WORDS: Mapping[str, tuple[str, ...]] = {"train": ("train",), "dev": ("dev", "validation", "val")}
FORMATS = (".json", ".jsonl", ".csv", ".tsv")


@dataclass(frozen=True)
class Rows:
    rows: list[Row]
    unlabelled: int
    """Records skipped because the data withholds their label."""


def read_rows(task_name: str, path: Path) -> Rows:
    """The labelled rows of one file, in its order. Raises InputError naming file and row for a record that is not one."""
    task = find_task(task_name)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return _labelled(task, _records(path), path.name, path.stem)
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: not readable as {path.suffix[1:].upper()}: {error}") from None


def read_split(task_name: str, data: str, split: str) -> Rows:
    """The labelled rows of a split (`train` or `dev`) of a folder, of the package's sample, or of `hub:NAME`."""
    if data.startswith(HUB):
        return _read_hub(find_task(task_name), data.removeprefix(HUB), split)
    return read_rows(task_name, find_split(task_name, resolve_folder(data), split))


def resolve_folder(data: str) -> Path:
    """`${VARIABLE}` expanded, `package:NAME/…` found beside the installed code. Raises InputError if it is no folder."""
    expanded = expand_variables(data, "klue_eval.data")
    folder = package_path(expanded) if expanded.startswith(PACKAGE) else Path(expanded).expanduser()
    if not folder.is_dir():
        raise InputError(f"{data}: no such folder. Name the folder that holds KLUE's files, `{SAMPLE}`, or `hub:klue`.")
    return folder


def find_split(task_name: str, folder: Path, split: str) -> Path:
    """The file of a split anywhere below `folder`: its name holds the task's name and ends in the split's.

    JSON wins over JSON Lines, CSV and TSV. Raises InputError when there is none, or more than one of a kind.
    """
    ending = re.compile(rf"(?:.*[-_.])?(?:{'|'.join(SPLIT_WORDS[split])})", re.IGNORECASE)
    named = [path for path in folder.rglob("*") if task_name in path.name.lower() and ending.fullmatch(path.stem)]
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


def _labelled(task: KlueTask, records: Iterable[Any], name: str, stem: str) -> Rows:
    rows, unlabelled = [], 0
    for number, record in enumerate(records):
        try:
            row = task.read({"guid": f"{stem}_{number:05d}", **record})
        except KeyError as error:
            raise InputError(f"{name}, row {number + 1}: the field {error} is missing (task {task.name})") from None
        except (ValueError, TypeError) as error:
            raise InputError(f"{name}, row {number + 1}: {error} (task {task.name})") from None
        if row is None:
            unlabelled += 1
        else:
            rows.append(row)
    if not rows:
        raise InputError(f"{name}: no row with a label (task {task.name}; {unlabelled:,} without)")
    if unlabelled:
        logger.info("%s: %s rows, %s without a label skipped", name, f"{len(rows):,}", f"{unlabelled:,}")
    return Rows(rows, unlabelled)


def _records(path: Path) -> Iterator[Any]:
    suffix = path.suffix.lower()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if suffix == ".json":
            records = json.load(stream)
            if not isinstance(records, list):
                raise InputError(f"{path.name}: the top level is no list of rows")
            yield from records
        elif suffix == ".jsonl":
            yield from (json.loads(line) for line in stream if line.strip())
        elif suffix in (".csv", ".tsv"):
            yield from csv.DictReader(stream, delimiter="," if suffix == ".csv" else "\t")
        else:
            raise InputError(f"{path.name}: unknown format; known: {', '.join(FORMATS)}")


# --- the Hub's copy ---------------------------------------------------------------------------------------------------


def hub_repository(data: str) -> str:
    """`hub:klue` -> the data set's full name on the Hub."""
    name = data.removeprefix(HUB)
    return name if "/" in name else f"{name}/{name}"


def _read_hub(task: KlueTask, name: str, split: str) -> Rows:
    import datasets

    repository = hub_repository(name)
    try:
        table = datasets.load_dataset(repository, task.name, split="validation" if split == "dev" else split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise InputError(f"{HUB}{name}: cannot load {task.name}, {split}: {error}") from None
    classes = {
        column: feature for column, feature in table.features.items() if isinstance(feature, datasets.ClassLabel)
    }
    records = ({**record, **_words(record, classes)} for record in table)
    return _labelled(task, records, f"{HUB}{name} {task.name} {split}", f"{task.name}_{split}")


def _words(record: Mapping[str, Any], classes: Mapping[str, Any]) -> dict[str, str | None]:
    """The labels that the Hub stores as numbers (-1: withheld), as strings."""
    return {name: None if record[name] < 0 else feature.int2str(record[name]) for name, feature in classes.items()}


# --- which rows -------------------------------------------------------------------------------------------------------


def drawing_order(rows: Sequence[Row]) -> list[Row]:
    """The rows in the order in which a protocol draws them: by the hash of their guid.

    Official files stand partly sorted by label (the first thousand headlines of YNAT hold no 사회 at all), so the first
    rows of the file would be no sample. This order is the same for every model, seed and number of rows.
    """
    return sorted(rows, key=lambda row: hashlib.sha256(str(row["guid"]).encode()).digest())
