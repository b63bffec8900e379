"""Parquet: one document a row, the text in one column."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.sources.source import Source, open_binary, stem
from kobert_pipeline.errors import InputError
from kobert_pipeline.records import Document, Drop

BATCH_ROWS = 1_000


def read(address: str, settings: SourceConfig) -> Iterator[Document | Drop]:
    import pyarrow.parquet

    prefix, number = stem(address), 0
    with open_binary(address) as stream:
        table = pyarrow.parquet.ParquetFile(stream)
        names = table.schema_arrow.names
        if settings.text_field not in names:
            raise InputError(
                f"{address}: no column `{settings.text_field}`; there are {', '.join(names)}. Set `text_field` of source `{settings.name}`."
            )
        wanted = [name for name in (settings.text_field, settings.title_field, settings.id_field) if name in names]
        for batch in table.iter_batches(BATCH_ROWS, columns=wanted):
            for row in batch.to_pylist():
                text = row[settings.text_field]
                identifier = row.get(settings.id_field)
                yield Document(
                    str(identifier) if identifier is not None else f"{prefix}-{number:06d}",
                    settings.name, text, str(row.get(settings.title_field) or ""),
                ) if isinstance(text, str) else Drop("no_text")  # fmt: skip
                number += 1


SOURCE = Source("parquet", (".parquet",), read)
