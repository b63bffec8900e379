"""NamuWiki's markup (나무마크) to prose."""

from __future__ import annotations

import re

from corpora.markup.brackets import replace_nested, tidy, without_elements

_UNSEEN = re.compile(r"^##.*\n?|^[ \t]*-{4,9}[ \t]*$", re.MULTILINE)
_NOT_PROSE = re.compile(r"#!(?:html|syntax|latex|style)\b")
_WIKI_HEAD = re.compile(r"#!(?:wiki|folding|if)\b[^\n]*\n?")
_STYLE_HEAD = re.compile(r"(?:[+-][1-5]|#[\w,]+(?:,#\w+)?)[ \n]")
_LINK_DROPPED = re.compile(r"\s*(?:파일|이미지|분류|file|category)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?:https?|ftp)://", re.IGNORECASE)
_RUBY = re.compile(r"\[ruby\(([^\[\],\n]*)[^\[\]\n]*\)\]", re.IGNORECASE)
_BREAK = re.compile(r"\[br\]", re.IGNORECASE)
_MACRO = re.compile(
    r"\[(?:목차|각주|tableofcontents|footnote|clearfix|date|datetime|pagecount|"
    r"(?:(include|youtube|kakaotv|nicovideo|navertv|vimeo|anchor|age|dday|math|pagecount|목차|각주)\())\]?",
    re.IGNORECASE,
)
_MATH = re.compile(r"<(math)>", re.IGNORECASE)
_EMPHASIS = re.compile(r"'{2,5}|__|~~|\^\^|,,(?=\S)|(?<=\S),,")
_STRUCK = re.compile(r"--(\S(?:[^\n-]|-(?!-))*)--")
_HEADING = re.compile(r"^(={1,6})(#?) (.*?) \2\1\s*$", re.MULTILINE)
_LINE_HEAD = re.compile(r"^(?:>+ ?|[ ]+(?:\*|[1aAiI]\.(?:#\d+)?) ?)+", re.MULTILINE)
_CAPTION = re.compile(r"[ >]*\|[^|\n]+\|.*\|\|\s*$")
"""The first line of a table with a caption: `|표 제목|칸||칸||`."""
_ESCAPE = re.compile(r"\\([\[\]{}|'~*_^,#>=\\-])")


def render(text: str) -> str:
    """Gives what a reader of the page sees as prose: links and emphasis keep their words, headings become lines.

    Tables, footnotes, images, categories, inclusions, video, formulas and code are removed. Struck-out words stay: on
    NamuWiki they are jokes and corrections that people read.
    """
    text = replace_nested(_UNSEEN.sub("", text), "{{{", "}}}", _braces)
    text = replace_nested(text, "[[", "]]", _link)
    text = _RUBY.sub(r"\1", _BREAK.sub("\n", text))
    text = _without_macros(without_elements(text, _MATH))
    text = replace_nested(text, "[", "]", _bracket) if "[*" in text else text
    text = _LINE_HEAD.sub("", _without_tables(text))
    text = _HEADING.sub(r"\3", _STRUCK.sub(r"\1", _EMPHASIS.sub("", text)))
    return tidy(_ESCAPE.sub(r"\1", text))


def _without_macros(text: str) -> str:
    """Removes `[목차]` and `[math(…)]`, whose arguments may have brackets and line breaks."""
    parts, position = [], 0
    for macro in _MACRO.finditer(text):
        if macro.start() < position:
            continue
        end = macro.end() if macro[1] is None else text.find(")]", macro.end()) + 2
        if end < 2:
            break
        if macro[1] is None and not macro[0].endswith("]"):
            continue
        parts.append(text[position : macro.start()])
        position = end
    return "".join([*parts, text[position:]])


def _bracket(inside: str) -> str:
    """Nothing for a footnote `[* …]`; other brackets stay."""
    return "" if inside.startswith("*") else f"[{inside}]"


def _braces(inside: str) -> str:
    if _NOT_PROSE.match(inside):
        return ""
    if head := _WIKI_HEAD.match(inside) or _STYLE_HEAD.match(inside):
        return inside[head.end() :]
    return inside


def _link(inside: str) -> str:
    target, bar, label = inside.partition("|")
    if _LINK_DROPPED.match(target):
        return ""
    if bar:
        return label
    if _ADDRESS.match(target):
        return ""
    return target.lstrip(":").partition("#s-")[0]


def _without_tables(text: str) -> str:
    """A table begins with a line that begins with `||`; a cell may have several lines, up to the next `||` at a line's
    end.

    If a row is not closed, only its first line is removed.
    """
    kept: list[str] = []
    cell: list[str] = []
    for line in text.split("\n"):
        if line.lstrip(" >").startswith("||") or _CAPTION.match(line):
            kept, cell = kept + cell, []
            if not line.rstrip().endswith("||") or len(line.strip(" >|")) == 0:
                cell = [""]
        elif not cell:
            kept.append(line)
        elif line.rstrip().endswith("||"):
            cell = []
        else:
            cell.append(line)
    return "\n".join(kept + cell)
