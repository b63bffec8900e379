"""Wikitext of MediaWiki to prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpora.markup.brackets import nothing, replace_nested, tidy, without_elements
from corpora.markup.wiki_templates import shown

_UNREAD = (
    "ref|gallery|math|chem|ce|score|timeline|imagemap|syntaxhighlight|source|templatestyles|graph|mapframe|hiero|rt|rp"
)
_EMPTY_ELEMENT = re.compile(rf"<(?:{_UNREAD})\b[^<>]*/>", re.IGNORECASE)
_ELEMENT = re.compile(rf"<({_UNREAD})\b[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(span|div|p|small)\b[^<>]*display\s*:\s*none[^<>]*(?<!/)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|poem|/poem)\b[^<>\n]*>", re.IGNORECASE)
_TABLE = re.compile(r"\n[ \t:*#]*(\{\||\|\})")
"""The beginning or end of a table, which may be indented."""
_MAGIC_WORD = re.compile(r"__[A-Z가-힣]+__")
_HEADING = re.compile(r"^(={1,6})[ \t]*(.*?)[ \t]*\1[ \t]*$", re.MULTILINE)
_LIST_MARK = re.compile(r"^(?:[*#:;]+[ \t]*|-{4,})", re.MULTILINE)
_BRACES = re.compile(r"\{\{+|\}\}+")
_MARKUP = re.compile(r"\[|''|&")
_PART_CHARACTERS = 5_000
"""Characters parsed at once: the time of the parser grows with the square of the number of unclosed brackets."""
_DROPPED_LINK = re.compile(r"\s*(?:파일|그림|분류|file|image|category|media|미디어)\s*:", re.IGNORECASE)
_OTHER_LANGUAGE = re.compile(r"\s*(?:[a-z]{2,3}|simple|zh-[a-z-]+|be-tarask|roa-rup)\s*:")


def render(text: str) -> str:
    """Gives what a reader of the page sees as prose: links keep their words, headings and list items become lines.

    Templates that are part of a sentence become what a reader sees; others, tables, notes, files, categories, galleries, formulas and code are removed.
    """
    text = replace_nested(text.replace("&nbsp;", " "), "<!--", "-->", nothing)
    text = without_elements(without_elements(_EMPTY_ELEMENT.sub("", text), _ELEMENT), _HIDDEN)
    text = replace_nested(text, "{{", "}}", shown)
    text = replace_nested(_TABLE.sub(r"\n\1", "\n" + text), "\n{|", "\n|}", nothing)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _HEADING.sub(r"\2", _MAGIC_WORD.sub("", text))
    text = _LIST_MARK.sub("", _BRACES.sub("", text))
    return tidy("\n".join(_plain(line) for line in text.split("\n")))


def _plain(line: str) -> str:
    if not _MARKUP.search(line):
        return line
    return "".join(_parsed(part) for part in _parts(line))


def _parts(line: str) -> Iterator[str]:
    while len(line) > _PART_CHARACTERS:
        cut = line.rfind(" ", 0, _PART_CHARACTERS) + 1 or _PART_CHARACTERS
        yield line[:cut]
        line = line[cut:]
    yield line


def _parsed(text: str) -> str:
    import mwparserfromhell

    return _prose(mwparserfromhell.parse(text))


def _prose(code: Any) -> str:
    """The words of a parsed text. The parser limits its depth."""
    return "".join(_node(node) for node in code.nodes)


def _node(node: Any) -> str:
    from mwparserfromhell import nodes

    if isinstance(node, nodes.Text):
        return str(node.value)
    if isinstance(node, nodes.Wikilink):
        return _link(node)
    if isinstance(node, nodes.ExternalLink):
        return _external(node)
    if isinstance(node, nodes.HTMLEntity):
        return str(node.normalize())
    if isinstance(node, nodes.Tag) and node.contents is not None:
        return _prose(node.contents)
    return ""


def _external(node: Any) -> str:
    """The label of a link in brackets. A bare address stays: the step `urls` decides about addresses."""
    if not node.brackets:
        return str(node.url)
    return _prose(node.title) if node.title is not None else ""


def _link(node: Any) -> str:
    target = str(node.title)
    if _DROPPED_LINK.match(target):
        return ""
    if node.text is not None:
        return _prose(node.text)
    return "" if _OTHER_LANGUAGE.match(target) else target.strip().lstrip(":")
