"""The copy of KLUE on the Hub -> records with the labels as strings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kobert_pipeline.ground.errors import InputError

HUB = "hub:"


def hub_repository(data: str) -> str:
    """`hub:klue` -> the full name of the data set on the Hub."""
    name = data.removeprefix(HUB)
    return name if "/" in name else f"{name}/{name}"


def hub_commit(data: str) -> str:
    """Returns the current commit of the data set. Raises InputError if the Hub does not answer."""
    from huggingface_hub import HfApi

    repository = hub_repository(data)
    try:
        return str(HfApi().dataset_info(repository).sha)
    except Exception as error:  # the client lets errors of its HTTP library through
        raise InputError(
            f"hub:{repository}: the Hub does not answer ({type(error).__name__}). "
            "Go online, or name a folder with KLUE's files: klue_eval.data in a recipe, --data for `kobert eval`."
        ) from None


def hub_records(task_name: str, name: str, split: str) -> Iterator[dict[str, Any]]:
    """Yields the records of a split. Raises InputError if the data set, the task or the split cannot be loaded."""
    import datasets

    try:
        table = datasets.load_dataset(hub_repository(name), task_name, split="validation" if split == "dev" else split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise InputError(f"{HUB}{name}: cannot load {task_name}, {split}: {error}") from None
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
