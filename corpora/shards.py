"""The files of the corpus stage: names, columns, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kobert_pipeline.ground.contents.corpus import DROPPED, NEAR_DUPLICATES, SHARDS
from kobert_pipeline.ground.files import atomic_path

__all__ = [
    "DOCUMENTS", "DROPPED", "NEAR_DUPLICATES", "SENTENCES", "SHARDS", "WORK", "Flags", "save", "shard_name", "write_rows",
]  # fmt: skip

WORK = "work"
"""Folder of what only later phases need. It is removed when the stage is complete."""

DOCUMENTS = pa.schema([(name, pa.string()) for name in ("doc_id", "source", "title", "text")])
SENTENCES = pa.schema(
    [
        *((name, pa.string()) for name in ("doc_id", "source", "title")),
        ("sentences", pa.list_(pa.string())),
        ("paragraph_end", pa.list_(pa.bool_())),
    ]
)
"""`paragraph_end` has one flag for each sentence: whether a paragraph ends after it."""

Flags = npt.NDArray[np.bool_]


def shard_name(number: int) -> str:
    """`00012`: the name of a shard's files, without ending."""
    return f"{number:05d}"


def write_rows(target: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Writes rows as Parquet, whole or not at all."""
    with atomic_path(target) as path:
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")


def save(target: Path, values: np.ndarray[Any, Any]) -> None:
    """Writes an array, whole or not at all."""
    with atomic_path(target) as path, path.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)
