"""What the markup languages share: nested brackets, elements, lines of prose. Time grows with the text's length alone."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_DEPTH = 50
"""Brackets nested deeper than this stay text: each level copies what is inside it, so depth must be bounded."""
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def replace_nested(text: str, opening: str, closing: str, replace: Callable[[str], str]) -> str:
    """Every pair of brackets with what is inside replaced, innermost first. Brackets without a partner stay."""
    stack: list[list[str]] = [[]]
    for part in re.split(f"({re.escape(opening)}|{re.escape(closing)})", text):
        if part == opening and len(stack) <= MAX_DEPTH:
            stack.append([])
        elif part == closing and len(stack) > 1:
            inside = "".join(stack.pop())
            stack[-1].append(replace(inside))
        else:
            stack[-1].append(part)
    while len(stack) > 1:
        open_part = stack.pop()
        stack[-1] += [opening, *open_part]
    return "".join(stack[0])


def without_elements(text: str, begins: re.Pattern[str]) -> str:
    """Without the elements whose start tag `begins` finds, its name in the first group, and what they hold.

    An element that nothing closes stays.
    """
    parts: list[str] = []
    position = 0
    unclosed: set[str] = set()
    for begin in begins.finditer(text):
        name = begin[1].lower()
        if begin.start() < position or name in unclosed:
            continue
        end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, begin.end())
        if end is None:
            unclosed.add(name)
            continue
        parts.append(text[position : begin.start()])
        position = end.end()
    return "".join([*parts, text[position:]])


def nothing(_: str) -> str:
    return ""


def tidy(text: str) -> str:
    """Without spaces at line ends, with one blank line between paragraphs."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()
