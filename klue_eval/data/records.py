"""A file of any format -> raw records, one for each row. The task reads what a record means (`KlueTask.read`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from klue_eval.layouts import PLAIN, LayoutError
from klue_eval.task import Layout
from kobert_pipeline.ground.errors import InputError


def file_records(path: Path, layouts: Mapping[str, Layout]) -> Iterator[Mapping[str, Any]]:
    """Yields the records of a file. `layouts`: suffix -> layout, for formats that the task lays out in its own way.

    Raises InputError for an unknown format, and for a row that is not a record.
    """
    layout = {**PLAIN, **layouts}.get(path.suffix.lower())
    if layout is None:
        raise InputError("{file}: unknown format; known: {plain}", file=path.name, plain=", ".join(PLAIN))
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for number, record in enumerate(layout(stream), 1):
                if not isinstance(record, Mapping):
                    raise InputError(
                        "{file}, row {number}: {record!r:.40} is not a row; a row has named fields",
                        file=path.name,
                        number=number,
                        record=record,
                    )
                yield record
    except LayoutError as error:
        raise InputError("{file}, row {number}: {error}", file=path.name, number=number + 1, error=error) from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            "{file}, row {number}: not laid out as the official file: {error!r}",
            file=path.name,
            number=number + 1,
            error=error,
        ) from None
