"""Joins the lines of a text that was broken for its width, as in e-mail, in text copied from a PDF, and in Hancom's export.

A break is one of width if the beginning of the next line did not fit any more. It stands for a space, or for nothing where the
text was broken within words, as Hancom does. Which of the two a text does is decided for all its breaks together: MeCab sees
how many of them lie within a word. Blank lines, list items and lines that are shorter than they could be stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from corpora.documents import Document, Drop
from kobert_pipeline.ground.progress_line import cells
from kobert_pipeline.morphology.mecab import morphemes

LEAST_WIDTH = 16
"""Cells. Shorter lines are verse or lists."""
SLACK = 0.1
"""Share of the width by which a full line may be shorter than the longest: letters differ in width."""
OUTLIERS = 20
"""One line of so many may be longer than the width: an address, a row of a table."""
WIDEST = 130
"""Cells. Longer lines are paragraphs."""
FULL = 0.3
"""Share of the line breaks within paragraphs that have to be full, so that any is joined."""
LOOKS_WRAPPED, FEWEST = 0.5, 5
"""A text looks broken for its width if this share of its line breaks, of at least so many, is full and ends no sentence."""
WITHIN_WORDS = 0.3
"""Share of breaks within words from which on a text was broken at characters."""
LIST_ITEM = re.compile(
    r"\s*(?:[-–•·○●◦□■◇◆▪▶※*①-⑳㉮-㉻]|\(?(?:\d{1,3}|[가나라마바사아자차카타파하]|다(?=\))|[a-zA-Z]|[ivxIVX]+)[.)]\s)"
)
"""`다.` is the end of a sentence more often than an item."""
_DEPENDENT = ("J", "E", "XS", "VC")
"""Beginnings of the parts of speech that are written without a space before them."""
_HANGUL = re.compile("[가-힣]")
_SENTENCE_END = re.compile(r"[.!?…다요음함임됨까죠][\"'”’)]*\s*$")
_CLOSING = re.compile(r"[.,!?:;…%)\]}>’”」』》〉]")
_SAME_WORD = re.compile(r"[A-Za-z][A-Za-z]|[0-9][0-9.,가-힣]|[\u4e00-\u9fff][\u4e00-\u9fff(]|[가-힣][(]")
"""Two characters, before and after a break, between which there is rarely a space."""


def with_joined_lines(item: Document | Drop) -> Document | Drop:
    return item if isinstance(item, Drop) else replace(item, text=join_wrapped(item.text))


def looks_wrapped(lines: Sequence[str]) -> bool:
    """Whether the lines of a text were broken for their width."""
    inside, full = _breaks(lines)
    open_ended = [number for number in full if not _SENTENCE_END.search(lines[number])]
    return inside >= FEWEST and len(open_ended) >= LOOKS_WRAPPED * inside


def join_wrapped(text: str) -> str:
    """The text with one line where one was broken for its width. Other line breaks stay."""
    lines = text.splitlines()
    inside, full = _breaks(lines)
    if not full or len(full) < FULL * inside:
        return text
    glue = dict.fromkeys(full, " ")
    pairs = {number: pair for number in full if (pair := _pair(lines[number], lines[number + 1]))}
    of_hangul = {number: _is_within_word(*pair) for number, pair in pairs.items() if _is_hangul(*pair)}
    if sum(of_hangul.values()) > WITHIN_WORDS * len(of_hangul):
        glue |= {number: "" for number, pair in pairs.items() if of_hangul.get(number, _belong_together(*pair))}
    return "".join(_joined(lines, glue)).removesuffix("\n")


def _breaks(lines: Sequence[str]) -> tuple[int, list[int]]:
    """The number of line breaks within paragraphs, and the lines that are full before them."""
    width = wrap_width(lines)
    inside = [number for number, pair in enumerate(pairwise(lines)) if all(line.strip() for line in pair)]
    is_wrapped = LEAST_WIDTH <= width <= WIDEST
    return len(inside), [
        number for number in inside if is_wrapped and _is_full(lines[number], lines[number + 1], width)
    ]


def wrap_width(lines: Sequence[str]) -> int:
    """Cells of the longest line, without outliers."""
    widths = sorted(cells(line.rstrip()) for line in lines if line.strip())
    return widths[-1 - len(widths) // OUTLIERS] if widths else 0


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the next word, or what was left of it, did not fit into the line."""
    needed = cells(line.rstrip()) + 1 + cells(following.split()[0])
    return needed > width * (1 - SLACK) and not LIST_ITEM.match(following)


def _pair(line: str, following: str) -> tuple[str, str] | None:
    """The last word of a line and the first of the next one. None if a space is left between them."""
    return None if line[-1].isspace() or following[0].isspace() else (line.split()[-1], following.split()[0])


def _is_hangul(left: str, right: str) -> bool:
    return bool(_HANGUL.match(left[-1]) and _HANGUL.match(right))


def _is_within_word(left: str, right: str) -> bool:
    """Whether MeCab finds a morpheme across the break, or behind it one that has no space before it: a particle, an ending, a
    noun of one syllable after another noun (경찰|서)."""
    before = ""
    for morpheme in morphemes(left + right):
        if morpheme.start > len(left) or (morpheme.start < len(left) < morpheme.start + len(morpheme.surface)):
            return True
        if morpheme.start == len(left):
            is_suffix = before.startswith("NN") and morpheme.tag == "NNG" and len(morpheme.surface) == 1
            return is_suffix or morpheme.tag.startswith(_DEPENDENT)
        before = morpheme.tag
    return False


def _belong_together(left: str, right: str) -> bool:
    return bool(_CLOSING.match(right) or _SAME_WORD.match(left[-1] + right[0]))


def _joined(lines: Sequence[str], glue: dict[int, str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        text = line.lstrip() if number - 1 in glue else line
        yield text.rstrip() + glue[number] if number in glue else f"{text}\n"
