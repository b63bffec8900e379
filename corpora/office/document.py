"""An office document, as dochan parsed it, to text in reading order.

Headers, footers, comments, pictures, formulas and bookmarks are left out. A footnote follows its paragraph. A table gives
one line for each row; a row with prose in a cell gives its paragraphs one after the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from dochan.model.document import Document, Paragraph, TextRun
from dochan.model.header_footer import Footnote
from dochan.model.image import Image
from dochan.model.table import Cell, Table

_NOT_PROSE = ("outline", "annots", "docProps/core.xml")
"""Where a PDF's bookmarks and links, and the properties of a DOCX file, come from."""
_MARKER = re.compile(r"\[bookmark: [^\]\r\n]*\] ?|\[comment \d+\]|\[nested table omitted: depth limit exceeded\]")
_NOTE_TYPES = ("footnote", "endnote", "comment")
_MAX_DEPTH = 32
_LIKE_LETTERS = re.compile("[\u2e80-\u2fd5\ufb00-\ufb06]+")
"""Radicals and ligatures: fonts of PDF files give them in the place of Hanja and Latin letters."""
_HANCOM = str.maketrans({"\uf53a": "\u1112\u119e\u11ab"})
"""The private character in which Hancom writes the first syllable of its own name."""
_WRAPPED = 25
"""Characters: a line of this length that does not end a sentence was broken for its width."""
_CELL = 200
"""Characters: a longer cell is prose."""
_ENDS = re.compile(r"[.!?:;…\"'”’)\]>」』】]$|[다요음함임됨]$")
_LIST_ITEM = re.compile(r"[-–•·○●◦□■◇◆▪▶※*①-⑳㉮-㉻]|\(?(?:\d{1,3}|[가-하]|[a-zA-Z]|[ivxIVX]+)[.)]\s")


def text_of(document: Document) -> str:
    """Gives the text; a blank line separates paragraphs."""
    notes = _notes(document)
    pages = [list(_page(section.elements, notes)) for section in document.sections if _is_prose(section)]
    paragraphs = _joined_pages(pages) if document.source_format == "pdf" else [text for page in pages for text in page]
    text = "\n\n".join(paragraphs).translate(_HANCOM)
    return _LIKE_LETTERS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def _is_prose(element: object) -> bool:
    return getattr(getattr(element, "provenance", None), "path", "") not in _NOT_PROSE


def _notes(document: Document) -> dict[int, Footnote]:
    """Footnotes and endnotes that the text refers to, by number."""
    notes = {
        element.number: element
        for section in document.sections
        for element in section.elements
        if isinstance(element, Footnote) and element.type != "comment" and element.number
    }
    referred = {number for section in document.sections for number in _references(section.elements)}
    return {number: note for number, note in notes.items() if number in referred}


def _page(elements: Iterable[object], notes: dict[int, Footnote]) -> Iterator[str]:
    for element in elements:
        if isinstance(element, Footnote) and element.type != "comment" and element.number not in notes:
            yield from _blocks(element.paragraphs)
        elif _is_prose(element):
            yield from _blocks([element])
            for number in _references([element]):
                if number in notes:
                    yield from _blocks(notes[number].paragraphs)


def _references(blocks: Iterable[object], depth: int = 0) -> Iterator[int]:
    """Numbers of notes, in reading order."""
    for block in blocks if depth < _MAX_DEPTH else ():
        if isinstance(block, Paragraph):
            yield from (run.note_ref for run in block.runs if run.note_ref)
        elif isinstance(block, Table):
            for cell in _cells(block):
                yield from _references(cell.paragraphs, depth + 1)


# --- blocks ----------------------------------------------------------------------------------------------------------


def _blocks(blocks: Iterable[object], depth: int = 0) -> Iterator[str]:
    """Texts of paragraphs, tables and captions. What has none gives nothing."""
    for block in blocks if depth < _MAX_DEPTH else ():
        if isinstance(block, Paragraph):
            texts: Iterable[str] = [_paragraph(block)]
        elif isinstance(block, Table | Image):
            caption = list(_blocks(block.caption, depth + 1))
            body = list(_table(block, depth)) if isinstance(block, Table) else []
            above = (block.caption_side or "").upper() in ("TOP", "LEFT")
            texts = caption + body if above else body + caption
        else:
            texts = ()
        yield from (text for text in texts if text)


def _paragraph(paragraph: Paragraph) -> str:
    text = "".join(run.text for run in paragraph.runs if _is_text(run))
    return _rejoined(_MARKER.sub("", text).strip())


def _is_text(run: TextRun) -> bool:
    return not run.note_ref and run.note_reference_type not in _NOTE_TYPES and run.equation is None


def _rejoined(text: str) -> str:
    """Joins lines that were broken for their width; a short line, a sentence and an item of a list end where they end."""
    lines = [line.strip() for line in text.split("\n")]
    joined = lines[:1]
    for line in lines[1:]:
        last = joined[-1]
        if len(last) >= _WRAPPED and line and not _ENDS.search(last) and not _LIST_ITEM.match(line):
            joined[-1] = f"{last} {line}"
        else:
            joined.append(line)
    return "\n".join(line for line in joined if line)


def _cells(table: Table) -> Iterator[Cell]:
    return (cell for row in table.rows for cell in row if not cell.is_merged_away)


def _table(table: Table, depth: int) -> Iterator[str]:
    """Rows of short cells become one text with a line for each; a row with prose in it gives its texts one by one."""
    lines: list[str] = []
    for row in table.rows:
        cells = [list(_blocks(cell.paragraphs, depth + 1)) for cell in row if not cell.is_merged_away]
        texts = [text for cell in cells for text in cell]
        if table.col_count > 1 and all(len(cell) <= 1 and _is_short("".join(cell)) for cell in cells):
            lines.append("\t".join(texts))
            continue
        yield "\n".join(filter(None, lines))
        yield from texts
        lines = []
    yield "\n".join(filter(None, lines))


def _is_short(text: str) -> bool:
    return len(text) <= _CELL and "\n" not in text


# --- pages -----------------------------------------------------------------------------------------------------------


def _joined_pages(pages: list[list[str]]) -> list[str]:
    """The paragraphs of a PDF. One that a page break cuts is joined."""
    paragraphs: list[str] = []
    for page in pages:
        first, *rest = page or [""]
        last = paragraphs[-1] if paragraphs else ""
        if len(last) >= _WRAPPED and first and not _ENDS.search(last) and not _LIST_ITEM.match(first):
            paragraphs[-1] = f"{last} {first}"
        elif first:
            paragraphs.append(first)
        paragraphs.extend(rest)
    return paragraphs
