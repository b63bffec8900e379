"""A line as the rules of the fast splitter read it: without what only looks like a quotation, a bracket or a word.

Emoticons become tears, inch and year marks become primes, reference marks are taken out: none of them says where a
sentence ends, and each can hide an end. Time is linear in the line.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import NamedTuple

TEAR, PRIME, SIGN = "ㅠ", "′", "≶"

_SIGN_OF_A_FACE = re.compile(
    r"[_^<>@ㄷㅉㅂㅅㅇㅊㄱㅈㅡㅠㅜ:;=TOXxo](?:(?<=[_^<>@ㄷㅉㅂㅅㅇㅊㄱㅈㅡㅠㅜ])|(?<=[:;=])[()^'DPp-]|(?<=[TOXxo])(?:[.-]T|T[LZ]|D|rz))"
)
_SIGN_OF_A_MEASURE = re.compile(r"[\"'“](?:(?<=\d[\"'“])|(?<=')\d)")
_SIGN_OF_A_REFERENCE = re.compile(r"[\[⁰¹²³⁴-⁹†‡.)](?:(?<=[\[⁰¹²³⁴-⁹†‡])|(?<=\.)\d|(?<=\d\)))")
"""Cheap to search, because each begins with one set of characters: most lines have none of these, and are as they should
be."""

_END = r"(?=[\s.,!?~;♥)]|$)"
_EYES = r"T@oOxX+=*ㅠㅜㅡㅇㅎㅍ\-^'"
_EMOTICON = re.compile(
    r"[:;=][-^']?(?:(?P<smile>\)+)|\(+|[DPp](?![A-Za-z0-9]))" + _END
    + rf"|(?<![A-Za-z0-9])(?P<eye>[{_EYES}])(?:_+|\.|[0oOwㅅㅁㅂ](?=[\^ㅇㅎ'])|(?<!-)-(?!-))(?P=eye)(?![A-Za-z0-9])"
    + r"|\*?\^[_.]?\^(?:[vVb7]" + _END + r"|\*)|\*\^[_.]?\^|m?\(_ ?_+\)m?(?!\w)"
    + r"|>[_.oO]{1,3}<(?!\w)|(?<=[\s가-힣.!?~])(?:OTL|OTZ|orz|><)" + _END
    + r"|(?<=\s)(?:[xX]D|<3|ㅡㅡ(?!ㅡ)[;^]*|ㅎ?ㄷ{2,}|(?:ㅂㄷ){2,}|ㅉ{2,}|ㅇㅈ|ㅇㅇ|ㅊㅊ|ㄱㅅ|ㅈㅅ)" + _END
    + r"|\([\^ㅠㅜㅋㅎㅡ~♥♡;_.\-*TO><]{2,8}\)"
)  # fmt: skip
"""`:)` and the like, `T_T`, `>_<`, `(^^)`; after a space also letters that stand for a feeling, such as ㄷㄷ."""
_BRACKETS = re.compile(r"(?<![:;=^-])[()]")
_COMPARISON = re.compile(r"(?<=\S )[<>](?= \S)|(?<=[A-Za-z0-9])[<>](?=[A-Za-z0-9=])")
_QUOTE = re.compile("[\"'“]")
_YEAR = re.compile(r"'\d\d(?!\d)(?:[가-힣]|[ ./~-])")
_REFERENCE = re.compile(
    r"(?:(?<=[가-힣.!?…\"'”’」』)\]])(?:\[(?:주|각주|주석|note)? ?\d{1,3}(?: ?[,-] ?\d{1,3})*\]|\[출처 ?(?:필요)?\])"
    r"|(?<=[가-힣.!?…\"”’」』)\]])[⁰¹²³⁴-⁹†‡]+[⁾)]?|(?<=[가-힣][.!?])\d{1,2}\)(?=\s|$)|(?<=[가-힣])\d{1,2}\)(?=[.!?])"
    r"|(?<=[다요까죠]\.)\d{1,3}(?= )|(?<=[.!?])\s\[\d{1,3}\](?=\s|$))+"
)


class PlainLine(NamedTuple):
    text: str
    removed: tuple[tuple[int, int], ...] = ()
    """(characters of `text` before a reference mark that was taken out, its length), in order."""

    def ends_in_line(self, ends: list[int]) -> list[int]:
        """Offsets into the line for offsets into `text`. A reference mark belongs to the sentence before it."""
        if not self.removed:
            return ends
        lengths = list(accumulate(length for _, length in self.removed))
        shifts = dict(zip((place for place, _ in self.removed), lengths, strict=True))
        return [end + max((shift for place, shift in shifts.items() if place <= end), default=0) for end in ends]


def plain_line(line: str) -> PlainLine:
    """The line with tears, primes and signs in place of emoticons, measures and comparisons, and without references."""
    if _SIGN_OF_A_FACE.search(line):
        line = _COMPARISON.sub(SIGN, _EMOTICON.sub(_tears, line))
    if _SIGN_OF_A_MEASURE.search(line):
        line = _without_measures(line)
    return _without_references(line) if _SIGN_OF_A_REFERENCE.search(line) else PlainLine(line)


def _tears(found: re.Match[str]) -> str:
    """`:)` closes a bracket that is open."""
    before = _BRACKETS.findall(found.string, 0, found.start()) if found["smile"] else []
    return found[0] if before.count("(") > before.count(")") else TEAR * len(found[0])


def _without_measures(line: str) -> str:
    """Inches, minutes and years: `27" 모니터`, `5'`, `'90년대`. A mark after a digit is a quotation mark only if it closes
    a quotation, and one before two digits only if another closes it."""
    characters, opened = list(line), dict[str, bool]()
    for found in _QUOTE.finditer(line):
        mark, place = found[0], found.start()
        before = line[place - 1 : place]
        if opened.get(mark):
            opened[mark] = False
        elif before.isdigit() or (mark == "'" and _YEAR.match(line, place) and not _closes(line, place + 1)):
            characters[place] = PRIME
        elif not (mark == "'" and before.isascii() and before.isalnum()):
            opened[mark] = mark != "“"
    return "".join(characters)


def _closes(line: str, begin: int) -> bool:
    """Whether the next apostrophe closes a quotation: it is not after a space."""
    end = line.find("'", begin)
    return end > begin and not line[end - 1].isspace()


def _without_references(line: str) -> PlainLine:
    parts, removed, position, length = [], [], 0, 0
    for found in _REFERENCE.finditer(line):
        parts.append(line[position : found.start()])
        length += len(parts[-1])
        removed.append((length, len(found[0])))
        position = found.end()
    return PlainLine("".join([*parts, line[position:]]), tuple(removed))
