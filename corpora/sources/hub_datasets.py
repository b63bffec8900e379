"""Data sets that the `datasets` library reads: on the Hub (`hub:org/name`), or in a local folder. The only importer of
it.

Data is streamed, and code from a repository is never run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, check_fields, document
from kobert_pipeline.ground.addresses import expand_variables
from kobert_pipeline.ground.errors import InputError, WrongValue
from kobert_pipeline.ground.files import damaged, read_object
from kobert_pipeline.ground.hub_client import prepare_client, without_token
from kobert_pipeline.ground.hub_problems import explain, one_line
from kobert_pipeline.ground.hub_revisions import Repository, commit_of, is_offline
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
HUB = "hub:"
REMEDY = "Write the data set again with save_to_disk."
HUB_ADDRESS = "hf://datasets/"
_BUILDERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv", ".txt": "text", ".arrow": "arrow"}
RECONNECTIONS = 3
"""A connection that breaks while rows are read is made again so often; each time, the Hub's client tries for half a minute."""
_NO_ROWS = "BatchSize must be greater than 0"
"""What pyarrow says of a Parquet file without rows."""


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads the part that `split` and `subset` name. An error of the network or the library is an InputError."""
    for number, row in enumerate(_with_errors(raw.place, settings, _rows(raw.address, raw.place, settings))):
        if number == 0:
            check_fields(row, raw.place, settings)
        yield document(row, number, raw, settings, f"{raw.place}:{number + 1}")


def _rows(address: str, place: str, settings: SourceConfig) -> Iterator[dict[str, Any]]:
    import datasets

    if address.startswith(HUB_ADDRESS):
        yield from _hub_rows(Repository.parse(address.removeprefix(HUB_ADDRESS), "dataset"), place, settings)
    elif address.endswith(".arrow"):
        yield from datasets.Dataset.from_file(address)
    else:
        builder = _BUILDERS.get(Path(address).suffix.lower(), "")
        if not builder:
            raise WrongValue("not a data file; known endings: {builders}", builders=", ".join(_BUILDERS))
        yield from datasets.load_dataset(builder, data_files=[address], split="train", streaming=True)


def _hub_rows(repository: Repository, place: str, settings: SourceConfig) -> Iterator[dict[str, Any]]:
    """Offline, the library takes what it prepared before, if there is something. Its own lines only repeat its errors."""
    import datasets

    prepare_client(offline=True)
    datasets.config.STREAMING_READ_MAX_RETRIES = min(datasets.config.STREAMING_READ_MAX_RETRIES, RECONNECTIONS)
    datasets.utils.logging.set_verbosity(logging.CRITICAL)
    revision = repository.revision or None
    if not is_offline():
        revision = commit_of(
            repository,
            say("{place}: source `{source}`", place=place, source=settings.name),
            say("Check the name and the network."),
        )
    name = f"{HUB_ADDRESS}{repository.name}"  # without the scheme, a folder of this name would be read instead
    try:
        rows = datasets.load_dataset(
            name, settings.subset or None, split=settings.split, revision=revision, streaming=True
        )
        if is_offline():
            logger.warning("%s: HF_HUB_OFFLINE is set: the copy that `datasets` prepared last is read", place)
        yield from rows
    except ValueError as error:
        if _NO_ROWS not in str(error):
            raise


def check(settings: SourceConfig) -> None:
    """Reads the first row of a data set on the Hub. Raises InputError where reading it would: an unknown or gated repository, a
    wrong split, subset or field."""
    path = expand_variables(settings.path, f"corpora.sources.{settings.name}.path")
    if path.startswith(HUB):
        address = HUB_ADDRESS + path.removeprefix(HUB)
        row = next(_with_errors(settings.path, settings, _rows(address, settings.path, settings)), None)
        if row is None:
            raise InputError(
                "{path}: no rows in split {split} (source `{source}`)",
                path=settings.path,
                split=settings.split,
                source=settings.name,
            )
        check_fields(row, settings.path, settings)


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


# --- errors ----------------------------------------------------------------------------------------------------------

_SCRIPT = re.compile(r"scripts are no longer supported, but found (\S+)")
_NO_FILES = re.compile(r"doesn't contain any data files|No .*data files found")
_OFFLINE = re.compile(r"OfflineModeIsEnabled|[Oo]ffline mode is enabled")
_NAMES = re.compile(r"BuilderConfig .* not found.*|Unknown split .*|Bad split.*|Config name is missing.*")


def _known(text: str) -> str:
    """What the library says of a data set, as we say it; empty for anything else."""
    if found := _SCRIPT.search(text):
        return say(
            "it is made by the Python script {script}, and no code of a repository is run; a converted copy may be at @refs/convert/parquet",
            script=found[1].removesuffix("."),
        )
    if _NO_FILES.search(text):
        return say("it holds no data files of a known format")
    if _OFFLINE.search(text):
        return say("HF_HUB_OFFLINE is set, and the cache has no copy that `datasets` prepared. Unset it to go online")
    found = _NAMES.search(text)
    return found[0].removesuffix(".") if found else ""


def _with_errors(place: str, settings: SourceConfig, values: Iterable[_T]) -> Iterator[_T]:
    """Gives the values. Every error of the library, and of those it uses, becomes an InputError of one line."""
    try:
        yield from values
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            "{place}: `datasets` cannot read it ({reason}). Check the name, `split` ({split}) and `subset` ({subset}) of source `{source}`, and the network.",
            place=place,
            reason=without_token(_reason(place, error)),
            split=settings.split,
            subset=settings.subset or say("none"),
            source=settings.name,
        ) from None


def _reason(place: str, error: Exception) -> str:
    text = one_line(str(error))
    if known := _known(text):
        return known
    problem = explain(error, place.removeprefix(HUB)) if place.startswith(HUB) and not _is_about_data(error) else None
    return problem.text.removesuffix(".") if problem else f"{type(error).__name__}: {text}"


def _is_about_data(error: Exception) -> bool:
    """Whether a file, and not the way to it, is the problem."""
    import pyarrow as pa

    return isinstance(error, pa.ArrowException | UnicodeDecodeError | KeyError)


SOURCE = Source("datasets", (), read, has_bytes=False, check=check)
