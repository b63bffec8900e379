"""Records -> the labelled rows of a split; how a single file is cut in two, and the order in which rows are drawn."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.data.folders import find_split, resolve_folder
from klue_eval.data.hub_copy import HUB, hub_place, hub_records
from klue_eval.data.records import file_records
from klue_eval.own.plain_text import read_utf8
from klue_eval.task import KlueTask
from klue_eval.tasks import find_task
from klue_eval.values import Row
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    rows: list[Row]
    unlabelled: int
    """Number of records that were skipped because they have no label."""


def read_rows(task_name: str, path: Path | str) -> list[Row]:
    """Returns the labelled rows of one file, in its order. The task's file in `tasks/` documents the keys of a row.

    Raises InputError with the file and the row if a record does not belong to the task.
    """
    return labelled_rows(task_name, Path(path)).rows


def labelled_rows(task_name: str, path: Path) -> Rows:
    """Like `read_rows`, with the number of records without a label."""
    task = find_task(task_name)
    if not path.is_file():
        raise InputError("{path}: no such file", path=path)
    try:
        return _labelled(task, file_records(path, task.layouts), path.name, path.stem)
    except UnicodeDecodeError:
        read_utf8(path)  # raises an error with the line and the way out
        raise
    except (ValueError, csv.Error) as error:
        raise InputError(
            "{file}: not readable as {format}: {error}", file=path.name, format=path.suffix[1:].upper(), error=error
        ) from None


def read_split(task_name: str, data: str, split: str) -> Rows:
    """Returns the labelled rows of a split (`train`, `dev` or ONLY) of a folder, of the sample, or of `hub:NAME`."""
    task = find_task(task_name)
    if data.startswith(HUB):
        place, part = hub_place(task, data), "train" if split == "train" else task.scored_split
        stem = part if task.hub else f"{task.name}_{part}"  # as the released files are called
        return _labelled(task, hub_records(task, place, part), f"{place} {task.name} {part}", stem)
    return labelled_rows(task_name, find_split(task_name, resolve_folder(data), split, data))


def _labelled(task: KlueTask, records: Iterable[Any], name: str, stem: str) -> Rows:
    rows: list[Row] = []
    unlabelled, problems = 0, []
    for number, record in enumerate(records):
        try:
            row = task.read({"guid": f"{stem}_{number:05d}", **record})
        except KeyError as error:
            problems.append(say("row {number}: the field {name} is missing", number=number + 1, name=error))
        except (ValueError, TypeError) as error:
            problems.append(say("row {number}: {error}", number=number + 1, error=error))
        else:
            unlabelled += row is None
            rows += [] if row is None else [row]
    if problems:
        others = say("; {count:,} more rows are wrong", count=len(problems) - 1) if len(problems) > 1 else ""
        raise InputError(
            "{name}, {problem} (task {task}){others}", name=name, problem=problems[0], task=task.name, others=others
        )
    if not rows:
        raise InputError(
            "{name}: no row with a label (task {task}; {unlabelled:,} without)",
            name=name,
            task=task.name,
            unlabelled=unlabelled,
        )
    if unlabelled:
        logger.info("%s: %s rows; %s without a label or a text skipped", name, f"{len(rows):,}", f"{unlabelled:,}")
    return Rows(rows, unlabelled)


# --- which rows -------------------------------------------------------------------------------------------------------


def drawing_order(rows: Sequence[Row]) -> list[Row]:
    """Sorts the rows by the hash of their guid: the order in which a protocol draws them.

    Official files are partly sorted by label (the first thousand headlines of YNAT have no 사회 at all), so the first
    rows of a file are not a fair sample. This order is the same for every model, seed and number of rows.
    """
    return sorted(rows, key=lambda row: hashlib.sha256(str(row["guid"]).encode()).digest())


def held_out(rows: Sequence[Row], *, share: float = 0.2, seed: int = 42) -> tuple[list[Row], list[Row]]:
    """Cuts one file in two by guid: (train, held out), each in the file's order.

    For tasks with only one labelled file. **A score on the held-out part is not a KLUE dev score**, and must not be
    called one. `share` is the held-out share of all rows, rounded. Rows with the same guid, or the same `group` if they have one,
    stay together.
    """
    groups = [str(row.get("group", row["guid"])) for row in rows]
    order = sorted(set(groups), key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    chosen = set(order[: round(len(order) * share)])
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row, group in zip(rows, groups, strict=True):
        parts[group in chosen].append(row)
    return parts
