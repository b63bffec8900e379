"""Markdown, and links of reStructuredText, in a text. What is not certain stays. Time is linear in the text."""

from __future__ import annotations

import re

_KEY_LINE = re.compile(r"[\w.-]+:(?:\s|$)|\s|-\s|#|$")
_ADDRESS = (
    r"(?:<[^<>\n]*+>|(?:(?:https?|ftp)://|mailto:|[./#]|[\w%~-]++(?:/|\.[a-z]{2,5}\b))(?:[^()\s]|\([^()\s]*+\))*+)"
)
_LINK = re.compile(rf"(!?)\[([^\[\]\n]*+)\]\({_ADDRESS}(?:\s++(?:\"[^\"\n]*+\"|'[^'\n]*+'))?\s*+\)", re.ASCII)
_RST_LINK = re.compile(r"`([^`<>]++)<[^`<>\s]++>`__?")
_FENCE = re.compile(r"^[ \t]*+```[^\s`]*+[ \t]*+$", re.MULTILINE)
_HEADING_MARK = re.compile(r"^(?:#{1,6}[ \t]++)++(?=\S)", re.MULTILINE)
_ALERT = re.compile(r"^(?:>[ \t]*+)*+\[![A-Za-z][^\[\]\n]*+\][ \t]*+$", re.MULTILINE)
_SIGN = re.compile(r"^```|^#{2,6} \S|\]\((?:https?:|[./#\w-]+[/.])", re.MULTILINE | re.ASCII)
_CODE = re.compile(r"(`(?<!``)`?)([^`\n]++)\1(?!`)")
_EMPHASIS = re.compile(r"(\*(?<![*\\0-9A-Za-z]\*)\*{0,2})([^\s*](?:[^*\n]*[^\s*])?)\1(?!\*)")
_QUOTE_MARK = re.compile(r"^(?:>[ \t]*+)++(?=\S)", re.MULTILINE)
_ESCAPE = re.compile(r"\\([*_\[\]#<>|`])")


def strip_markdown(text: str) -> str:
    """Removes front matter, addresses of links (of reStructuredText too), images, fences and heading marks.

    Marks that prose uses too (`김**`, `*^^*`, `` `인용` ``, `> `) are removed only if a link, a fence or a heading of the
    second level shows that the document is Markdown.
    """
    text, is_markdown = _without_front_matter(text)
    if ">`_" in text:
        text = _RST_LINK.sub(lambda link: link[1].rstrip(), text)
    if "](" in text or "```" in text or "# " in text:
        is_markdown = is_markdown or _SIGN.search(text) is not None
        text = _LINK.sub(lambda link: "" if link[1] else link[2], text)
        text = _HEADING_MARK.sub("", _FENCE.sub("", text))
    return _without_marks_of_prose(text) if is_markdown else text


def _without_marks_of_prose(text: str) -> str:
    if "[!" in text:
        text = _ALERT.sub("", text)
    if "`" in text:
        text = _CODE.sub(r"\2", text)
    if ">" in text:
        text = _QUOTE_MARK.sub("", text)
    if "*" in text:
        text = _EMPHASIS.sub(r"\2", text)
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _without_front_matter(text: str) -> tuple[str, bool]:
    """(text, whether it had front matter): keys, items, comments or blank lines between two lines of `---`."""
    if not text.startswith("---\n"):
        return text, False
    end = text.find("\n---\n", 3, 10_000)
    lines = text[4:end].split("\n") if end >= 0 else [""]
    if not lines[0] or not all(map(_KEY_LINE.match, lines)):
        return text, False
    return text[end + 5 :], True
