"""How a file lays out its records: a text stream -> records, one a row. The tasks say which layout theirs is.

A record that cannot be told apart from its neighbours raises LayoutError; what is wrong inside one, `KlueTask.read` finds.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from klue_eval.task import Layout


class LayoutError(Exception):
    """A file that is not laid out as its task says. The message names the line where there is one."""


def json_rows(stream: TextIO) -> Iterator[Any]:
    """A list of rows."""
    records = json.load(stream)
    if not isinstance(records, list):
        raise LayoutError("the top level is no list of rows")
    yield from records


def json_lines(stream: TextIO) -> Iterator[Any]:
    yield from (json.loads(line) for line in stream if line.strip())


def comma_separated(stream: TextIO) -> Iterator[Any]:
    yield from csv.DictReader(stream)


def tab_separated(stream: TextIO) -> Iterator[Any]:
    yield from csv.DictReader(stream, delimiter="\t")


def raw_tabs(stream: TextIO) -> Iterator[Any]:
    """As `tab_separated`, but a quotation mark is a character like any other."""
    yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def tab_pairs(*names: str) -> Layout:
    """Lines of tab-separated values under these names, with no header."""

    def read(stream: TextIO) -> Iterator[Any]:
        for number, line in enumerate(stream, 1):
            values = line.rstrip("\r\n").split("\t")
            if len(values) != len(names):
                raise LayoutError(
                    f"line {number} has {len(values)} columns instead of {len(names)}: {line.strip()!r:.60}"
                )
            yield dict(zip(names, values, strict=True))

    return read


PLAIN: Mapping[str, Layout] = {
    ".json": json_rows,
    ".jsonl": json_lines,
    ".csv": comma_separated,
    ".tsv": tab_separated,
}
"""By suffix, for tasks that do not say otherwise."""


def columns(names: Sequence[str]) -> Layout:
    """KLUE's TSV of sentences: a line a character or eojeol, blank lines between sentences, `## guid<TAB>text` before each.

    The record holds one list of strings per name, and `guid` where a comment says it. The first column may be a space,
    so lines are not stripped.
    """

    def read(stream: TextIO) -> Iterator[Any]:
        guid: str | None = None
        lines: list[list[str]] = []
        for number, line in enumerate(stream, 1):
            cells = line.rstrip("\r\n").split("\t")
            if line.startswith("##") and not lines:
                guid = cells[0].removeprefix("##").strip()
            elif not "".join(cells):
                if lines:
                    yield _record(names, guid, lines)
                guid, lines = None, []
            elif len(cells) == len(names):
                lines.append(cells)
            else:
                raise LayoutError(
                    f"line {number} has {len(cells)} columns instead of {len(names)}: {line.strip()!r:.60}"
                )
        if lines:
            yield _record(names, guid, lines)

    return read


def _record(names: Sequence[str], guid: str | None, lines: Sequence[Sequence[str]]) -> dict[str, Any]:
    record: dict[str, Any] = {name: list(cells) for name, cells in zip(names, zip(*lines, strict=True), strict=True)}
    return record if guid is None else {"guid": guid, **record}


def questions(stream: TextIO) -> Iterator[Any]:
    """KLUE-MRC's JSON (SQuAD 2.0's): one record a question, with the fields of its article and its context.

    A flat list of such records is read too.
    """
    content = json.load(stream)
    if isinstance(content, list):
        yield from content
        return
    if not isinstance(content, Mapping) or "data" not in content:
        raise LayoutError("the top level is neither a list of questions nor an object with `data`")
    for article in content["data"]:
        about = {name: value for name, value in article.items() if name != "paragraphs"}
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {**about, "context": paragraph["context"], **question}
