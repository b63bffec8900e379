"""How a file lays out its records: a text stream -> records, one for each row. Each task names its layouts.

A file whose records cannot be separated raises LayoutError. `KlueTask.read` finds what is wrong inside a record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from klue_eval.task import Layout
from kobert_pipeline.ground.files import parse_json
from kobert_pipeline.ground.messages import say


class LayoutError(Exception):
    """A file that does not have the layout of its task. The message names the line, if it is known."""


def json_rows(stream: TextIO) -> Iterator[Any]:
    """A list of rows."""
    records = parse_json(stream.read())
    if not isinstance(records, list):
        raise LayoutError(say("the top level is not a list of rows"))
    yield from records


def json_lines(stream: TextIO) -> Iterator[Any]:
    yield from (parse_json(line) for line in stream if line.strip())


def comma_separated(stream: TextIO) -> Iterator[Any]:
    yield from csv.DictReader(stream)


def tab_separated(stream: TextIO) -> Iterator[Any]:
    yield from csv.DictReader(stream, delimiter="\t")


def raw_tabs(stream: TextIO) -> Iterator[Any]:
    """Like `tab_separated`, but a quotation mark has no special meaning."""
    yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def tab_pairs(*names: str) -> Layout:
    """Lines of tab-separated values with these names, without a header."""

    def read(stream: TextIO) -> Iterator[Any]:
        for number, line in enumerate(stream, 1):
            values = line.rstrip("\r\n").split("\t")
            if len(values) != len(names):
                raise LayoutError(
                    say(
                        "line {number} has {count} columns instead of {columns}: {text!r:.60}",
                        number=number,
                        count=len(values),
                        columns=len(names),
                        text=line.strip(),
                    )
                )
            yield dict(zip(names, values, strict=True))

    return read


PLAIN: Mapping[str, Layout] = {
    ".json": json_rows,
    ".jsonl": json_lines,
    ".csv": comma_separated,
    ".tsv": tab_separated,
}
"""Suffix -> layout, for tasks that do not name another."""


def columns(names: Sequence[str]) -> Layout:
    """KLUE's TSV of sentences: one character or eojeol a line, blank lines between sentences, `## guid<TAB>text` first.

    The record has a list of strings for each name, and `guid` if a comment gives one. The first column may be a space,
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
                    say(
                        "line {number} has {count} columns instead of {columns}: {text!r:.60}",
                        number=number,
                        count=len(cells),
                        columns=len(names),
                        text=line.strip(),
                    )
                )
        if lines:
            yield _record(names, guid, lines)

    return read


def _record(names: Sequence[str], guid: str | None, lines: Sequence[Sequence[str]]) -> dict[str, Any]:
    record: dict[str, Any] = {name: list(cells) for name, cells in zip(names, zip(*lines, strict=True), strict=True)}
    return record if guid is None else {"guid": guid, **record}


def questions(stream: TextIO) -> Iterator[Any]:
    """KLUE-MRC's JSON, which is SQuAD 2.0's: one record for each question, with fields of its article and context.

    Also reads a flat list of such records.
    """
    content = parse_json(stream.read())
    if isinstance(content, list):
        yield from content
        return
    if not isinstance(content, Mapping) or "data" not in content:
        raise LayoutError(say("the top level is neither a list of questions nor an object with `data`"))
    for article in content["data"]:
        about = {name: value for name, value in article.items() if name != "paragraphs"}
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {**about, "context": paragraph["context"], **question}
