"""The copy of KLUE on the Hub -> records with the labels as strings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klue_eval.task import KlueTask
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.hub_client import download
from kobert_pipeline.ground.hub_revisions import COMMIT, Repository, commit_of
from kobert_pipeline.ground.messages import say

HUB = "hub:"
KLUE = "hub:klue"
FOLDER = "Go online, or name a folder with KLUE's files: klue_eval.data in a recipe, --data for `kobert eval`."


def hub_repository(data: str) -> Repository:
    """`hub:klue` -> the data set on the Hub. `hub:owner/name@revision` names a branch, a tag or a commit."""
    named = Repository.parse(data.removeprefix(HUB), "dataset")
    return named if "/" in named.name else Repository(f"{named.name}/{named.name}", named.revision, "dataset")


def hub_place(task: KlueTask, data: str) -> str:
    """`hub:klue`, the default, means KLUE's data set. A task of another one is then read from there."""
    return f"{HUB}{task.hub[0]}" if task.hub and data.partition("@")[0] == KLUE else data


def hub_commit(data: str) -> str:
    """Returns the current commit of the data set. Raises InputError if the Hub does not answer."""
    repository = hub_repository(data)
    return commit_of(repository, say("{name}: the Hub does not answer", name=f"hub:{repository.name}"), say(FOLDER))


def at_commit(data: str, commit: str | None = None) -> str:
    """`hub:klue` -> `hub:klue@COMMIT`, so that all rows come from one commit: the given one, or that of now. Data that is not on
    the Hub stays as it is."""
    if not data.startswith(HUB):
        return data
    return f"{data.partition('@')[0]}@{commit or hub_commit(data)}"


def hub_records(task: KlueTask, data: str, split: str) -> Iterator[dict[str, Any]]:
    """Yields the records of a split. Raises InputError if the data set, the task or the split cannot be loaded."""
    repository, part = hub_repository(data), {"dev": "validation"}.get(split, split)
    configuration = task.hub[1] if task.hub else task.name
    place = say("{place}: cannot load {name}, {split}", place=data, name=configuration, split=split)
    commit = repository.revision if COMMIT.fullmatch(repository.revision) else hub_commit(data)
    table = download(lambda: _table(repository.name, commit, configuration, part), place, repository.page, say(FOLDER))
    for record in table:
        yield {**record, **_words(record, table.features)}


def _table(repository: str, commit: str, task_name: str, part: str) -> Any:
    """Raises InputError if the library gives another commit than the one that identifies the data: it takes a copy from its
    cache when the Hub fails."""
    import datasets

    table = datasets.load_dataset(f"hf://datasets/{repository}", task_name, split=part, revision=commit)
    files = [str(file["filename"]) for file in table.cache_files]
    if files and not any(commit in name for name in files):
        raise InputError(
            "the copy in the cache is not of commit {commit} ({file}); remove it, or go online",
            commit=commit[:8],
            file=files[0],
        )
    return table


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
