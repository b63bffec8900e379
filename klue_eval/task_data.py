"""The rows that an evaluation trains on and scores, their files, and the hashes that identify them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from klue_eval.config import EvaluationConfig
from klue_eval.data import (
    HUB,
    ONLY,
    SAMPLE,
    at_commit,
    drawing_order,
    find_split,
    held_out,
    hub_commit,
    hub_place,
    read_split,
    resolve_folder,
)
from klue_eval.own.own_data import read_own
from klue_eval.own.own_files import own_files
from klue_eval.own.own_task import OwnTask, OwnTaskConfig
from klue_eval.task import KlueTask
from klue_eval.tasks import KNOWN, TASKS, find_task
from klue_eval.values import Row
from kobert_pipeline.ground.files import FileHashes

DEV, HELD_OUT, OWN = "dev", ONLY, "own"
OWN_FILES = "own files"
"""What the table calls the data if no task of KLUE is scored."""


@dataclass(frozen=True)
class TaskData:
    train: list[Row]
    """In the order of `drawing_order`."""
    dev: list[Row]
    unlabelled: int
    """Rows that were skipped because they have no label."""
    split: str = DEV
    """What `dev` is: the task's scored split, HELD_OUT, or OWN. For HELD_OUT, `train` and `dev` are the two parts of the one
    labelled file."""
    own: OwnTask | None = None
    """Set for a user's own task."""
    notes: Mapping[str, object] = field(default_factory=dict)
    """What the table says about a user's own task."""


def task_of(name: str, data: TaskData) -> KlueTask:
    """The task of the rows."""
    return KNOWN[name] if data.own is None else data.own.task


def read_all(config: EvaluationConfig, hashes: Mapping[str, str] | None = None) -> dict[str, TaskData]:
    """Task -> its rows, KLUE's tasks first. Raises InputError for a row that is wrong.

    Data on the Hub is read at the commit that `hashes`, the result of `hash_data`, holds, or at that of now.
    """
    places = _places(config, hashes or {})
    splits = {name: HELD_OUT if name in config.held_out else DEV for name in config.tasks}
    klue = {name: read_task(name, places[name], split) for name, split in splits.items()}
    return klue | {name: read_own_task(name, own) for name, own in config.own_tasks.items()}


def _places(config: EvaluationConfig, hashes: Mapping[str, str]) -> dict[str, str]:
    """Task -> where its rows are read. All tasks of one data set on the Hub are read at one commit."""
    places = {name: hub_place(KNOWN[name], config.data) for name in config.tasks}
    known = {place: hashes.get(f"{name}_dev") for name, place in places.items()}
    pinned = {place: at_commit(place, commit) for place, commit in known.items()}
    return {name: pinned[place] for name, place in places.items()}


def read_own_task(name: str, config: OwnTaskConfig) -> TaskData:
    """Reads the file of a user's own task."""
    found = read_own(name, config)
    notes = {"kind": found.own.kind, "why": found.why, "division": found.division, "repeated_rows": found.repeated}
    notes |= {"labels": len(found.own.labels), "train_rows": len(found.train), "scored_rows": len(found.dev)}
    return TaskData(drawing_order(found.train), found.dev, found.unlabelled, OWN, found.own, notes)


def read_task(name: str, data: str, split: str = DEV) -> TaskData:
    """Reads train and dev. For HELD_OUT, cuts the one labelled file in two, and trains on the larger part."""
    if split == HELD_OUT:
        whole = read_split(name, data, ONLY)
        train, scored = held_out(whole.rows)
        return TaskData(drawing_order(train), scored, whole.unlabelled, HELD_OUT)
    train_split, dev_split = read_split(name, data, "train"), read_split(name, data, "dev")
    unlabelled = train_split.unlabelled + dev_split.unlabelled
    return TaskData(drawing_order(train_split.rows), dev_split.rows, unlabelled, find_task(name).scored_split)


def read_scored(name: str, data: str, scored: Mapping[str, object]) -> list[Row]:
    """The rows that `scored` names (see `scored_rows`). Reads no other file than theirs."""
    split = str(scored.get("of", scored["split"]))
    if split == HELD_OUT:
        return scored_rows(scored, read_task(name, data, HELD_OUT))
    if scored["split"] == "train":
        return scored_rows(scored, TaskData(drawing_order(read_split(name, data, "train").rows), [], 0))
    return read_split(name, data, "dev").rows


def scored_rows(scored: Mapping[str, object], data: TaskData) -> list[Row]:
    """The rows that `scored` names: `{"split": "dev"}`, `{"split": "held_out"}`, or rows [start, stop) of train."""
    if scored["split"] != "train":
        return data.dev
    start, stop = scored["start"], scored["stop"]
    assert isinstance(start, int)
    assert isinstance(stop, int)
    return data.train[start:stop]


def data_files(config: EvaluationConfig) -> dict[str, Path]:
    """`ynat_train` -> the file it is read from, for fingerprints. Without the data on the Hub."""
    own = {
        f"{name}_{split}": path
        for name, task in config.own_tasks.items()
        for split, path in own_files(name, task).items()
    }
    if config.data.startswith(HUB) or not config.tasks:
        return own
    folder = resolve_folder(config.data)
    return own | {
        f"{name}_{split}": find_split(name, folder, ONLY if name in config.held_out else split, config.data)
        for name in config.tasks
        for split in ("train", "dev")
    }


def hash_data(config: EvaluationConfig, root: Path) -> dict[str, str]:
    """Name of each input -> sha256 of the file, or the commit of the data set on the Hub."""
    hashes = FileHashes(root)
    files = {name: hashes[path] for name, path in data_files(config).items()}
    if config.data.startswith(HUB) and config.tasks:
        places = {name: hub_place(KNOWN[name], config.data) for name in config.tasks}
        commits = {place: hub_commit(place) for place in dict.fromkeys(places.values())}
        files |= {f"{name}_{split}": commits[place] for name, place in places.items() for split in ("train", "dev")}
    return files


def data_name(config: EvaluationConfig, hashes: Mapping[str, str], root: Path) -> str:
    """What the table calls the data: by its content, never by its path, which only one machine has."""
    if not config.tasks:
        return OWN_FILES
    if config.data.startswith(HUB):
        return ", ".join(dict.fromkeys(hub_place(KNOWN[name], config.data) for name in config.tasks))
    if not set(config.tasks) <= set(TASKS):
        return "released files"
    sample = hash_data(config.model_copy(update={"data": SAMPLE, "own_tasks": {}}), root)
    return SAMPLE if all(hashes[name] == sample[name] for name in sample) else "KLUE files"


def all_parts(data: Mapping[str, TaskData]) -> dict[str, dict[str, list[int]]]:
    """The tasks of which rows are missing: task -> split -> rows with a label, and rows in the released data."""
    parts = {name: _parts(name, rows) for name, rows in data.items() if rows.own is None}
    return {name: counts for name, counts in parts.items() if counts}


def _parts(name: str, data: TaskData) -> dict[str, list[int]]:
    counts = {} if data.split == HELD_OUT else {"train": len(data.train), "dev": len(data.dev)}
    sizes = KNOWN[name].sizes
    return {split: [count, sizes[split]] for split, count in counts.items() if count < sizes.get(split, 0)}
