"""A file -> raw records, one a row, whatever its format. What a record means is the task's affair (`KlueTask.read`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from klue_eval.layouts import PLAIN, LayoutError
from klue_eval.task import Layout
from kobert_pipeline.ground.errors import InputError


def file_records(path: Path, layouts: Mapping[str, Layout]) -> Iterator[Mapping[str, Any]]:
    """`layouts` are the task's own ways of laying out a format, by suffix.

    Raises InputError for an unknown format, and naming the row for what is no record.
    """
    layout = {**PLAIN, **layouts}.get(path.suffix.lower())
    if layout is None:
        raise InputError(f"{path.name}: unknown format; known: {', '.join(PLAIN)}")
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for number, record in enumerate(layout(stream), 1):
                if not isinstance(record, Mapping):
                    raise InputError(f"{path.name}, row {number}: {record!r:.40} is no row; a row has named fields")
                yield record
    except LayoutError as error:
        raise InputError(f"{path.name}, row {number + 1}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path.name}, row {number + 1}: not laid out as the official file: {error!r}") from None
