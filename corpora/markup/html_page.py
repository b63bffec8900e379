"""An HTML page to prose."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from corpora.markup.brackets import tidy, without_elements

MAX_DEPTH = 500
"""Levels. Browsers stop nesting at 512; the time of the parser grows with the square of the depth."""
_UNSEEN = frozenset({
    "script", "style", "noscript", "template", "head", "nav", "footer", "aside", "button", "select",
    "textarea", "iframe", "object", "svg", "math", "canvas", "rt", "rp", "datalist",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend", "li", "main", "ol",
    "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_NO_DISPLAY = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_UNSEEN_CLASSES = frozenset({"mw-editsection", "sr-only", "visually-hidden", "screen-reader-text", "blind"})
"""Links to edit, and what is written for screen readers."""
_CODE = re.compile(r"<(script|style)\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_BREAKS = re.compile(r"\n{2,}")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_CLOSED_BY_OTHERS = frozenset({
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rp", "rt",
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
"""Elements without an end tag, or with an optional one: many of them in a row are not nested."""


def render(text: str) -> str:
    """Gives the text of a page, with one line for a block element (paragraph, heading, list item, table row).

    Scripts, styles, navigation and footers are removed. A page that is nested deeper than browsers show only loses its
    tags.
    """
    if is_too_deep(text):
        return tidy(html.unescape(_TAG.sub("\n", without_elements(text, _CODE))))
    tree = LexborHTMLParser(text)
    root = tree.root
    return _lines("".join(_pieces(root))) if root is not None else ""


def is_too_deep(text: str) -> bool:
    """Whether a page is nested deeper than browsers show."""
    return _depth(text) > MAX_DEPTH


def _lines(text: str) -> str:
    return _BREAKS.sub("\n", _AROUND_BREAK.sub("\n", text)).strip().replace("\0", "\n")


def _depth(text: str) -> int:
    """The deepest nesting by a count of tags. The parser never nests deeper than this."""
    depth = deepest = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _CLOSED_BY_OTHERS:
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _pieces(root: LexborNode) -> Iterator[str]:
    """Text and line breaks in reading order, without recursion."""
    node: LexborNode | None = root
    preformatted = 0
    while node is not None:
        tag = node.tag or ""
        unseen = tag in _UNSEEN or _hidden(node)
        preformatted += tag == "pre"
        if node.is_text_node:
            yield _text(node, preformatted > 0)
        elif not unseen:
            yield _before(tag)
        child = None if unseen else node.child
        if child is not None:
            node = child
            continue
        while node is not None:
            tag = node.tag or ""
            preformatted -= tag == "pre"
            yield "\n" if tag in _BLOCKS else ""
            if node.mem_id == root.mem_id:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


def _hidden(node: LexborNode) -> bool:
    """Whether an attribute says that browsers do not show the element."""
    attributes = node.attributes if node.is_element_node else {}
    if not attributes:
        return False
    classes = (attributes.get("class") or "").split()
    return (
        "hidden" in attributes
        or _NO_DISPLAY.search(attributes.get("style") or "") is not None
        or not _UNSEEN_CLASSES.isdisjoint(classes)
    )


def _text(node: LexborNode, preformatted: bool) -> str:
    """Line breaks of preformatted text are kept, as NUL until spaces are settled."""
    content = node.text_content or ""
    return content.replace("\n", "\0") if preformatted else _SPACES.sub(" ", content)


def _before(tag: str) -> str:
    if tag in ("td", "th"):
        return "\t"
    return "\n" if tag in _BLOCKS or tag == "br" else ""
