"""Parquet: one document per row, the text in one column or in several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, check_fields, document
from kobert_pipeline.ground.messages import say

BATCH_ROWS = 1_000
_PAGE_BUFFER = 1 << 20
_MAGIC = (b"PAR1", b"PARE")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads row groups page by page; a page must fit in memory, as for every Parquet reader."""
    import pyarrow.parquet

    if raw.head(4) not in _MAGIC:
        raise Damaged(say("not a Parquet file: it does not begin with PAR1"))
    with raw.seekable() as stream:
        table = pyarrow.parquet.ParquetFile(stream, buffer_size=_PAGE_BUFFER, pre_buffer=False)
        names = table.schema_arrow.names
        check_fields(names, raw.place, settings)
        wanted = [name for name in (*settings.text_fields, settings.title_field, settings.id_field) if name in names]
        batches = table.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(wanted)))
        for number, row in enumerate(row for batch in batches for row in _rows(batch)):
            place = f"{raw.place}:{number + 1}"
            yield Drop("undecodable", place) if row is None else document(row, number, raw, settings, place)


def _rows(batch: Any) -> list[dict[str, Any] | None]:
    """None for a row whose strings are not UTF-8: Arrow does not check them before it converts them to Python."""
    try:
        rows: list[dict[str, Any] | None] = batch.to_pylist()
        return rows
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [None]
    return [row for number in range(batch.num_rows) for row in _rows(batch.slice(number, 1))]


SOURCE = Source("parquet", (".parquet",), read)
