"""Step `parentheses`: parentheses that a template or an earlier step left empty, and Hanja in parentheses."""

from __future__ import annotations

import re

from corpora.config import CleaningConfig

SIGNS = ("()", "( ", "(,", "(;", "(:", "(·", ", )", "; )")

_EMPTY_PARENTHESES = re.compile(
    r"(?: \(|(?<![A-Za-z_])\()(?!(?<!\S\() ++\))(?:(?:출처|참고|참조|링크|원문|자료|사진|이미지|홈페이지|주소|URL) ?:)?[ ,;:·]*+\)"
)
"""A blank of spaces after a space or at the start is to be filled in: `알맞은 말은 (   )이다`."""
_MAY_BE_EMPTY = re.compile(r"\((?:[가-힣URL]+ ?:)?[ ,;:·]*\)")
"""Cheap to search, because it begins with one character: most texts have none of these."""
_LEADING_COMMA = re.compile(r"\((?: *+[,;])++ *+(?=[^\s)])")
_TRAILING_COMMAS = re.compile(r"(?<![,; ])[,; ]*+(?<=[,;] )\)")
HANJA = "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HANJA_IN_PARENTHESES = re.compile(rf"(?<=[가-힣A-Za-z0-9])(?<![0-9]일)(?: ?\([ ,·-]*+[{HANJA}][{HANJA} ,·-]*+\))++")
"""After the word whose Hanja they are. `3월 1일(土)` names the day of the week and stays."""


def parentheses(text: str, options: CleaningConfig) -> str:
    """Removes empty parentheses, and Hanja in parentheses where `hanja_in_parentheses` is `remove`."""
    text = _without_empty(text)
    return _HANJA_IN_PARENTHESES.sub("", text) if options.hanja_in_parentheses == "remove" else text


def _without_empty(text: str) -> str:
    """Removes what a template left empty: `서울( ; )은`, `방정식(方程式, )은`, `신라( , 기원전 57년)`. `main()` stays."""
    if _MAY_BE_EMPTY.search(text):
        text = _EMPTY_PARENTHESES.sub("", text)
    if "( " in text or "(," in text or "(;" in text:
        text = _LEADING_COMMA.sub("(", text)
    if ", )" in text or "; )" in text:
        text = _TRAILING_COMMAS.sub(")", text)
    return text
