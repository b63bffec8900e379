"""A table of texts and labels -> records: CSV, TSV, JSON and JSON Lines, with the columns `text`, `text_b` and `label`."""

from __future__ import annotations

import csv
import difflib
import io
import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.own.plain_text import lines_of, read_utf8
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import parse_json
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

TEXT, PAIR, LABEL, SPLIT = "text", "text_b", "label", "split"
COLUMNS = (TEXT, PAIR, LABEL, SPLIT)
DELIMITERS = {".csv": ",", ".tsv": "\t"}
ENDINGS = (*DELIMITERS, ".json", ".jsonl")


@dataclass(frozen=True)
class Record:
    """A row of a table. Its number counts from 1, without the header."""

    number: int
    text: str
    pair: str | None
    label: str
    """Without spaces at its ends, in NFC. Empty if the row has no label."""
    split: str
    """Empty if the table has no column `split`."""


def read_table(path: Path) -> list[Record]:
    """Returns all rows. Raises InputError for a table without `text` or `label`, for a row of another width, and for a row without
    text. Columns with other names are not read; the log names them."""
    text = read_utf8(path)
    names, rows = _delimited(path, text) if path.suffix.lower() in DELIMITERS else _objects(path, text)
    _check_columns(path, names)
    records = [_record(number, row, PAIR in names) for number, row in rows]
    if not records:
        raise InputError("{file}: no row below the header", file=path.name)
    empty = [
        record for record in records if not record.text.strip() or (record.pair is not None and not record.pair.strip())
    ]
    if empty:
        column = PAIR if empty[0].text.strip() else TEXT
        others = say(" ({count:,} such rows)", count=len(empty)) if len(empty) > 1 else ""
        raise InputError(
            "{file}, row {number}: `{column}` is empty{others}. Fill it in, or remove the row",
            file=path.name,
            number=empty[0].number,
            column=column,
            others=others,
        )
    return records


def _record(number: int, row: Mapping[str, str], paired: bool) -> Record:
    label = unicodedata.normalize("NFC", row[LABEL].strip())
    return Record(number, row[TEXT], row[PAIR] if paired else None, label, row.get(SPLIT, "").strip())


def _check_columns(path: Path, names: Sequence[str]) -> None:
    for column in (TEXT, LABEL):
        if column not in names:
            shown = ", ".join(f"`{name}`" for name in names)
            close = difflib.get_close_matches(column, [name for name in names if name], n=1, cutoff=0.5)
            guess = say(" Rename it if `{name}` is meant.", name=close[0]) if close else ""
            raise InputError(
                "{file}: no column `{column}`; its columns are {shown:.200}.{guess} A task needs the columns `{text}`, `{label}`, and `{pair}` for a second text",
                file=path.name,
                column=column,
                shown=shown,
                guess=guess,
                text=TEXT,
                label=LABEL,
                pair=PAIR,
            )
    repeated = next((name for name in COLUMNS if names.count(name) > 1), None)
    if repeated:
        raise InputError(
            "{file}: two columns are called `{repeated}`. Keep one of them", file=path.name, repeated=repeated
        )
    others = [name for name in names if name not in COLUMNS]
    if others:
        logger.info("%s: columns that are not read: %s", path.name, ", ".join(others)[:200])


def _delimited(path: Path, text: str) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[path.suffix.lower()], strict=True)
    lines = _lines(path, reader)
    names = [name.strip() for name in next(lines, [])]
    return names, _rows(path, names, lines)


def _lines(path: Path, reader: Any) -> Iterator[list[str]]:
    """The rows that are not blank lines."""
    try:
        yield from (cells for cells in reader if cells)
    except csv.Error as error:
        raise InputError(
            '{file}, line {line}: {error}. A text with a quotation mark is quoted as a whole, and the mark is doubled: "그는 ""네"" 하고 답했다."',
            file=path.name,
            line=reader.line_num,
            error=error,
        ) from None


def _rows(path: Path, names: list[str], lines: Iterator[list[str]]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, cells in enumerate(lines, 1):
        if len(cells) != len(names):
            raise InputError(
                "{file}, row {number}: {count} values for {columns} columns. A text with the delimiter in it needs quotation marks",
                file=path.name,
                number=number,
                count=len(cells),
                columns=len(names),
            )
        yield number, dict(zip(names, cells, strict=True))


def _objects(path: Path, text: str) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """A list of objects, or one object a line. All must have the same keys."""
    try:
        values = (
            parse_json(text)
            if path.suffix.lower() == ".json"
            else [parse_json(line) for line in lines_of(text) if line.strip()]
        )
    except (ValueError, RecursionError) as error:
        raise InputError(
            "{file}: not readable as {format}: {error}", file=path.name, format=path.suffix[1:].upper(), error=error
        ) from None
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise InputError(
            "{file}: must be a list of objects with the keys `{text}` and `{label}`",
            file=path.name,
            text=TEXT,
            label=LABEL,
        )
    names = list(values[0]) if values else []
    return names, ((number, _strings(path, number, names, value)) for number, value in enumerate(values, 1))


def _strings(path: Path, number: int, names: list[str], value: Mapping[str, Any]) -> dict[str, str]:
    if set(value) != set(names):
        odd = sorted(set(value) ^ set(names))[0]
        raise InputError(
            "{file}, row {number}: the key `{odd}` is not in every row", file=path.name, number=number, odd=odd
        )
    for name in COLUMNS:
        if isinstance(value.get(name), list | dict | bool) or (
            name in (TEXT, PAIR) and not isinstance(value.get(name, ""), str)
        ):
            raise InputError(
                "{file}, row {number}: `{name}` is {value!r:.40}; it must be a text",
                file=path.name,
                number=number,
                name=name,
                value=value[name],
            )
    return {name: "" if value.get(name) is None else str(value[name]) for name in names}
