"""The copy of KLUE on the Hub -> records with the labels as strings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.hub_client import download

HUB = "hub:"
FOLDER = "Go online, or name a folder with KLUE's files: klue_eval.data in a recipe, --data for `kobert eval`."


def hub_repository(data: str) -> str:
    """`hub:klue` -> the full name of the data set on the Hub."""
    name = data.removeprefix(HUB)
    return name if "/" in name else f"{name}/{name}"


def hub_commit(data: str) -> str:
    """Returns the current commit of the data set. Raises InputError if the Hub does not answer."""
    from huggingface_hub import HfApi

    repository = hub_repository(data)
    place = f"hub:{repository}: the Hub does not answer"
    commit = download(lambda: HfApi().dataset_info(repository).sha, place, repository, FOLDER)
    if not isinstance(commit, str) or not commit:
        raise InputError(f"{place}: its answer names no commit. {FOLDER}")
    return commit


def hub_records(task_name: str, name: str, split: str) -> Iterator[dict[str, Any]]:
    """Yields the records of a split. Raises InputError if the data set, the task or the split cannot be loaded."""
    import datasets

    repository, part = hub_repository(name), "validation" if split == "dev" else split
    place = f"{HUB}{name}: cannot load {task_name}, {split}"
    table = download(lambda: datasets.load_dataset(repository, task_name, split=part), place, repository, FOLDER)
    for record in table:
        yield {**record, **_words(record, table.features)}


def _words(record: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    """Converts labels that the Hub stores as numbers (-1: withheld) to strings, one for each row or a list."""
    import datasets

    words: dict[str, Any] = {}
    for name, feature in features.items():
        inner = getattr(feature, "feature", None)
        if isinstance(feature, datasets.ClassLabel):
            words[name] = None if record[name] < 0 else feature.int2str(record[name])
        elif isinstance(inner, datasets.ClassLabel):
            words[name] = [None if number < 0 else inner.int2str(number) for number in record[name]]
    return words
