"""What markup languages share: nested brackets, elements, lines of prose. Time is linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_DEPTH = 50
"""Brackets that are nested deeper stay: each level copies what is inside it, so the depth is limited."""
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def replace_nested(text: str, opening: str, closing: str, replace: Callable[[str], str]) -> str:
    """Replaces every pair of brackets with what is inside, innermost first. Brackets without a partner stay."""
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
    """Removes elements with their content. `begins` finds their start tags, with the name in the first group.

    An element that is not closed stays.
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
    """Replaces anything by nothing."""
    return ""


def tidy(text: str) -> str:
    """Removes spaces at line ends, and leaves one blank line between paragraphs."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()
