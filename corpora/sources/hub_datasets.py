"""Data sets that the `datasets` library reads: on the Hub (`hub:org/name`), or in a local folder. The only importer of
it.

Data is streamed, and code from a repository is never run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, check_fields, document
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import damaged, read_object
from kobert_pipeline.ground.hub_client import without_token
from kobert_pipeline.ground.hub_problems import explain, one_line

_T = TypeVar("_T")
HUB = "hub:"
REMEDY = "Write the data set again with save_to_disk."
HUB_ADDRESS = "hf://datasets/"
_BUILDERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv", ".txt": "text", ".arrow": "arrow"}


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads the part that `split` and `subset` name. An error of the network or the library is an InputError."""
    for number, row in enumerate(_with_errors(raw.place, settings, _rows(raw.address, settings))):
        if number == 0:
            check_fields(row, raw.place, settings, "column")
        yield document(row, number, raw, settings, f"{raw.place}:{number + 1}")


def _rows(address: str, settings: SourceConfig) -> Iterator[dict[str, Any]]:
    import datasets

    if address.startswith(HUB_ADDRESS):
        name, _, revision = address.removeprefix(HUB_ADDRESS).partition("@")
        yield from datasets.load_dataset(
            name, settings.subset or None, split=settings.split, revision=revision or None, streaming=True
        )
    elif address.endswith(".arrow"):
        yield from datasets.Dataset.from_file(address)
    else:
        builder = _BUILDERS.get(Path(address).suffix.lower(), "")
        if not builder:
            raise ValueError(f"not a data file; known endings: {', '.join(_BUILDERS)}")
        yield from datasets.load_dataset(builder, data_files=[address], split="train", streaming=True)


def local_files(folder: Path, settings: SourceConfig) -> list[str]:
    """Gives the data files of one split of a folder that `save_to_disk` wrote, or that `load_dataset` understands."""
    for saved in (folder, folder / settings.split):
        state = saved / "state.json"
        if state.is_file():
            names = read_object(state, REMEDY).get("_data_files")
            if not isinstance(names, list) or not all(isinstance(name, dict) and "filename" in name for name in names):
                raise damaged(state, REMEDY)
            return [str(saved / name["filename"]) for name in names]
    return list(_with_errors(str(folder), settings, _data_files(folder, settings)))


def _data_files(folder: Path, settings: SourceConfig) -> Iterator[str]:
    import datasets

    builder = datasets.load_dataset_builder(str(folder), settings.subset or None)
    yield from map(str, builder.config.data_files[settings.split])


def _with_errors(place: str, settings: SourceConfig, values: Iterable[_T]) -> Iterator[_T]:
    """Gives the values. Every error of the library, and of those it uses, becomes an InputError of one line."""
    try:
        yield from values
    except Exception as error:
        known = explain(error, place.removeprefix(HUB)) if place.startswith(HUB) else None
        reason = known.text.removesuffix(".") if known else one_line(f"{type(error).__name__}: {error}")
        raise InputError(
            f"{place}: `datasets` cannot read it ({without_token(reason)}). Check the name, `split` "
            f"({settings.split}) and `subset` ({settings.subset or 'none'}) of source `{settings.name}`, and the network."
        ) from None


SOURCE = Source("datasets", (), read, has_bytes=False)
