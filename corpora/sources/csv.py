"""CSV and TSV: a header row, then one document per row.

CSV fields may be quoted and have line breaks. TSV fields are not (IANA text/tab-separated-values): in Korean review
corpora a text often begins with a quotation mark that is never closed. A TSV field is taken for quoted only if it also
has doubled quotation marks inside.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Literal

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, check_fields, document

DIALECTS: Mapping[str, tuple[str, Literal[0, 3]]] = {"csv": (",", csv.QUOTE_MINIMAL), "tsv": ("\t", csv.QUOTE_NONE)}
"""Format -> what separates fields, and how fields are quoted."""


class _RowTooLarge(Exception):
    pass


class _Lines:
    """Lines for csv.reader. It remembers what could not be read, and ends a row that exceeds the limit."""

    def __init__(self, raw: RawFile, settings: SourceConfig) -> None:
        self._lines = raw.lines(settings)
        self._limit = settings.max_document_bytes
        self.drops: list[Drop] = []
        self.number = 0
        self.row_size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for item in self._lines:
            if isinstance(item, Drop):
                self.drops.append(item)
                continue
            self.number, line = item
            self.row_size += len(line)
            if self.row_size > self._limit:
                raise _RowTooLarge
            return line
        raise StopIteration


def _read_csv(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    return _read(raw, settings, *DIALECTS["csv"])


def _read_tsv(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    return _read(raw, settings, *DIALECTS["tsv"])


def _read(raw: RawFile, settings: SourceConfig, delimiter: str, quoting: Literal[0, 3]) -> Iterator[Document | Drop]:
    header: list[str] | None = None
    number = 0
    for item in rows(raw, settings, delimiter, quoting):
        if isinstance(item, Drop):
            yield item
        elif header is None:
            header = item[1]
            check_fields(header, raw.place, settings)
        else:
            line, row = item
            yield _document(header, row, number, raw, settings, f"{raw.place}:{line}")
            number += 1


def _document(
    header: list[str], row: list[str], number: int, raw: RawFile, settings: SourceConfig, place: str
) -> Document | Drop:
    """A text with a separator and without quotes has cells beyond the header: what belongs to it is not certain."""
    if any(cell.strip() for cell in row[len(header) :]):
        return Drop("cells_beyond_header", place)
    return document(dict(zip(header, row, strict=False)), number, raw, settings, place)


def rows(
    raw: RawFile, settings: SourceConfig, delimiter: str, quoting: Literal[0, 3]
) -> Iterator[tuple[int, list[str]] | Drop]:
    """(number of the row's last line, fields). The longest field is a setting of the csv module, for all readers."""
    csv.field_size_limit(max(csv.field_size_limit(), settings.max_document_bytes))
    lines = _Lines(raw, settings)
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
    while True:
        lines.row_size = 0
        try:
            row = next(reader)
        except StopIteration:
            yield from lines.drops
            return
        except _RowTooLarge:
            yield Drop("too_large", f"{raw.place}:{lines.number}")
            continue
        except csv.Error:
            yield Drop("unreadable_line", f"{raw.place}:{lines.number}")
            continue
        yield from lines.drops
        lines.drops.clear()
        if row:
            yield lines.number, row if quoting == csv.QUOTE_MINIMAL else [_unquoted(cell) for cell in row]


def _unquoted(cell: str) -> str:
    """A TSV cell without the quotation marks that spreadsheets and pandas add: they double those inside."""
    inside = cell[1:-1]
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"' or '"' in inside.replace('""', ""):
        return cell
    return inside.replace('""', '"') if '""' in inside or not inside else cell


CSV = Source("csv", (".csv",), _read_csv, shared_suffixes=(".txt",))
TSV = Source("tsv", (".tsv",), _read_tsv, shared_suffixes=(".txt", ".tab"))
