"""Step `spaces`: one space between words, no space around a line break, at most one blank line."""

from __future__ import annotations

import re

from corpora.signs import holds_any
from corpora.steps.characters import composed

_RULE = re.compile(r"^(?:[-=_─━═|:+ ]{3,}+| ?\*{10,}+ ?| ?#++ ?)$", re.MULTILINE)
_RULE_PARTS = ("---", "===", "___", "───", "━━━", "═══", "|-", "|:-", "| -", "| :-", "*" * 10)
_RULE_MARKS = (*_RULE_PARTS, "#")
_LONG_SPACE = re.compile(" {2,}")
_BLANK_LINES = re.compile(r"\n{3,}")


def spaces(text: str) -> str:
    """Leaves one space between words, none around a line break, no line that draws a rule, at most one blank line."""
    text = composed(text)
    if "  " in text:
        text = _LONG_SPACE.sub(" ", text)
    if holds_any(text, _RULE_MARKS):
        text = _RULE.sub(_without_rule, text)
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def _without_rule(line: re.Match[str]) -> str:
    """`-----`, `|---|:-:|`, `###`. An empty row `| | |` and the dots of `: : :` stay."""
    return "" if "#" in line[0] or any(part in line[0] for part in _RULE_PARTS) else line[0]
