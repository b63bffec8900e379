"""The rows that an evaluation trains on and scores, their files, and the hashes that identify them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from klue_eval.config import EvaluationConfig
from klue_eval.data import (
    HUB,
    ONLY,
    SAMPLE,
    drawing_order,
    find_split,
    held_out,
    hub_commit,
    read_split,
    resolve_folder,
)
from klue_eval.tasks import KNOWN, TASKS, find_task
from klue_eval.values import Row
from kobert_pipeline.ground.files import FileHashes

DEV, HELD_OUT = "dev", ONLY


@dataclass(frozen=True)
class TaskData:
    train: list[Row]
    """In the order of `drawing_order`."""
    dev: list[Row]
    unlabelled: int
    """Rows that were skipped because they have no label."""
    split: str = DEV
    """What `dev` is: the task's scored split, or HELD_OUT. For HELD_OUT, `train` and `dev` are the two parts of the one
    labelled file."""


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
    """`ynat_train` -> the file it is read from, for fingerprints. Empty for data on the Hub."""
    if config.data.startswith(HUB):
        return {}
    folder = resolve_folder(config.data)
    return {
        f"{name}_{split}": find_split(name, folder, ONLY if name in config.held_out else split, config.data)
        for name in config.tasks
        for split in ("train", "dev")
    }


def hash_data(config: EvaluationConfig, root: Path) -> dict[str, str]:
    """Name of each input -> sha256 of the file, or the commit of the data set on the Hub."""
    if config.data.startswith(HUB):
        commit = hub_commit(config.data)
        return {f"{name}_{split}": commit for name in config.tasks for split in ("train", "dev")}
    hashes = FileHashes(root)
    return {name: hashes[path] for name, path in data_files(config).items()}


def data_name(config: EvaluationConfig, hashes: Mapping[str, str], root: Path) -> str:
    """What the table calls the data: by its content, never by its path, which only one machine has."""
    if config.data.startswith(HUB):
        return config.data
    if not set(config.tasks) <= set(TASKS):
        return "released files"
    sample = hash_data(config.model_copy(update={"data": SAMPLE}), root)
    return SAMPLE if all(hashes[name] == sample[name] for name in sample) else "KLUE files"


def all_parts(data: Mapping[str, TaskData]) -> dict[str, dict[str, list[int]]]:
    """The tasks of which rows are missing: task -> split -> rows with a label, and rows in the released data."""
    parts = {name: _parts(name, rows) for name, rows in data.items()}
    return {name: counts for name, counts in parts.items() if counts}


def _parts(name: str, data: TaskData) -> dict[str, list[int]]:
    counts = {} if data.split == HELD_OUT else {"train": len(data.train), "dev": len(data.dev)}
    sizes = KNOWN[name].sizes
    return {split: [count, sizes[split]] for split, count in counts.items() if count < sizes.get(split, 0)}
