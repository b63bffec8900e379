"""CoNLL -> sentences of tokens and tags: a token a line with its tag in the last column, blank lines between sentences.

Columns are separated by tabs, otherwise by spaces. A token may be a space: then the tokens of a sentence are its characters, as in
KLUE's NER.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klue_eval.own.plain_text import lines_of, read_utf8
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

ENDINGS = (".conll", ".bio", ".iob", ".iob2", ".txt")
OUTSIDE = "O"
_TAG = re.compile(r"([BI])-(\S+)")
_COMMENT = re.compile(r"##|# ")
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class Sentence:
    number: int
    """Counted from 1."""
    tokens: list[str]
    tags: list[str]


@dataclass(frozen=True)
class _Line:
    number: int
    cells: list[str]


def has_tags(path: Path) -> bool:
    """Whether the first line of a .tsv file, comments aside, ends in `O` or a tag of BIO, and so is no header."""
    for line in _lines(path):
        if not _is_comment(line):
            return _is_tag(line.cells[-1])
    return False


def read_conll(path: Path) -> list[Sentence]:
    """Returns the sentences. Raises InputError for a line of another width, and for tags that are not BIO."""
    parts = list(_sentences(path))
    if not parts:
        raise InputError(
            "{file}: no sentence. A line is a token and its tag; a blank line ends a sentence", file=path.name
        )
    _check_widths(path, [line for part in parts for line in part])
    return [_sentence(path, number, part) for number, part in enumerate(parts, 1)]


def _lines(path: Path) -> Iterator[_Line]:
    """A blank line has no cells."""
    lines = lines_of(read_utf8(path))
    tabbed = any("\t" in line for line in lines)
    for number, line in enumerate(lines, 1):
        cells = line.split("\t") if tabbed else line.split(" ")
        if line.strip():
            yield _Line(number, cells if tabbed else [cell for cell in cells if cell])
        else:
            yield _Line(number, [""])


def _sentences(path: Path) -> Iterator[list[_Line]]:
    """The lines of each sentence. Lines before it that are not tokens are counted."""
    part: list[_Line] = []
    comments = 0
    for line in (*_lines(path), _Line(0, [""])):
        if line.cells == [""]:
            if part:
                yield part
            part = []
        elif not part and _is_comment(line):
            comments += 1
        else:
            part.append(line)
    if comments:
        logger.info("%s: %s lines are comments and not read", path.name, f"{comments:,}")


def _is_comment(line: _Line) -> bool:
    """`-DOCSTART-`, and a line that begins with `##` or `# ` and does not end in a tag. `#` may be a token."""
    first = line.cells[0]
    if first in ("", _DOCUMENT):
        return True
    begins = _COMMENT.match(first) is not None or (first == "#" and len(line.cells) > 1)
    return begins and not _is_tag(line.cells[-1])


def _is_tag(cell: str) -> bool:
    return cell.strip() == OUTSIDE or _TAG.fullmatch(cell.strip()) is not None


def _check_widths(path: Path, lines: list[_Line]) -> None:
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    if width < 2:
        raise InputError(
            "{file}, line {number}: one column. A line is a token and its tag, with a tab between them",
            file=path.name,
            number=lines[0].number,
        )
    ragged = [line for line in lines if len(line.cells) != width]
    if ragged:
        others = say(" ({count:,} such lines)", count=len(ragged)) if len(ragged) > 1 else ""
        raise InputError(
            "{file}, line {number}: {count} columns instead of {width}{others}. Every line has the same columns; a blank line ends a sentence",
            file=path.name,
            number=ragged[0].number,
            count=len(ragged[0].cells),
            width=width,
            others=others,
        )


def _sentence(path: Path, number: int, lines: list[_Line]) -> Sentence:
    tags = [unicodedata.normalize("NFC", line.cells[-1].strip()) for line in lines]
    before = OUTSIDE
    for line, tag in zip(lines, tags, strict=True):
        _check_tag(path, line, tag, before)
        before = tag
    empty = next((line for line in lines if not line.cells[0]), None)
    if empty or not "".join(line.cells[0] for line in lines).strip():
        raise InputError(
            "{file}, line {number}: a tag without a token", file=path.name, number=(empty or lines[0]).number
        )
    return Sentence(number, [line.cells[0] for line in lines], tags)


def _check_tag(path: Path, line: _Line, tag: str, before: str) -> None:
    """Raises InputError unless `tag` is O, B-TYPE, or an I-TYPE that continues `before`."""
    found = _TAG.fullmatch(tag)
    if tag == OUTSIDE or (found and (found[1] == "B" or before[2:] == found[2])):
        return
    if found:
        problem = say(
            "`{tag}` follows `{before}`; an entity begins with `B-{kind}`", tag=tag, before=before, kind=found[2]
        )
    else:
        problem = say("`{tag:.40}` is not a tag of BIO; known are `O`, `B-TYPE` and `I-TYPE`", tag=tag)
    raise InputError(
        "{file}, line {number}: {problem}. Convert the tags to BIO (IOB2)",
        file=path.name,
        number=line.number,
        problem=problem,
    )
