"""MediaWiki XML dumps (`pages-articles.xml`): pages of the chosen namespaces, wikitext to prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml
import defusedxml.expatreader

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.markup import nothing, replace_nested, tidy, without_elements
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, numbered

_CHUNK_BYTES = 65_536
_REDIRECT = re.compile(r"\s*#(?:redirect|넘겨주기)\b", re.IGNORECASE)
_FIELDS = ("title", "ns", "id", "revision/model", "revision/text")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Redirects, other namespaces and pages that are no wikitext are dropped and counted.

    Entities are never expanded: a file that defines any is refused as damaged, as is one that is no MediaWiki dump.
    """
    pages = _Pages(raw, settings)
    parser: Any = defusedxml.expatreader.create_parser(forbid_dtd=False, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(pages)
    stream = raw.binary()
    try:
        while chunk := stream.read1(_CHUNK_BYTES):
            pages.unreported += len(chunk)
            parser.feed(chunk)
            yield from pages.take()
            if pages.unreported > settings.max_document_bytes:
                raise Damaged("one XML tag or comment is larger than `max_document_bytes`")
        parser.close()
    except (SAXException, defusedxml.DefusedXmlException) as error:
        yield from pages.take()
        raise Damaged(f"no readable XML: {error}") from None
    yield from pages.take()


class _Pages(ContentHandler):
    """Collects the fields of one page at a time, each up to the limit."""

    def __init__(self, raw: RawFile, settings: SourceConfig) -> None:
        super().__init__()
        self._raw, self._settings = raw, settings
        self._path: list[str] = []
        self._fields: dict[str, list[str]] = {}
        self._size = 0
        self._redirect = False
        self._found: list[Document | Drop] = []
        self._number = 0
        self.unreported = 0
        """Bytes given to the parser since it last told of anything."""

    def take(self) -> list[Document | Drop]:
        found, self._found = self._found, []
        return found

    def startElement(self, name: str, attrs: Any) -> None:
        self.unreported = 0
        if not self._path and name != "mediawiki":
            raise Damaged(f"no MediaWiki dump: its outermost element is <{name[:40]}>")
        self._path.append(name)
        if len(self._path) == 2 and name == "page":
            self._fields, self._size, self._redirect = {}, 0, False
        elif name == "redirect" and len(self._path) == 3:
            self._redirect = True

    def characters(self, content: str) -> None:
        self.unreported = 0
        field = "/".join(self._path[2:]) if len(self._path) < 5 else ""
        if field in _FIELDS and self._path[1] == "page":
            self._size += len(content.encode(errors="replace"))
            parts = self._fields.setdefault(field, [])
            if self._size <= self._settings.max_document_bytes:
                parts.append(content)
            else:
                parts.clear()

    def endElement(self, name: str) -> None:
        self.unreported = 0
        if len(self._path) == 2 and name == "page":
            self._found.append(self._page())
            self._number += 1
        self._path.pop()

    def _page(self) -> Document | Drop:
        fields = {name: "".join(parts) for name, parts in self._fields.items()}
        place = f"{self._raw.place}[{self._number}]"
        text = fields.get("revision/text", "")
        if self._size > self._settings.max_document_bytes:
            return Drop("too_large", place)
        if _namespace(fields) not in self._settings.namespaces:
            return Drop("other_namespace", place)
        if self._redirect or _REDIRECT.match(text):
            return Drop("redirect", place)
        if fields.get("revision/model", "wikitext") != "wikitext":
            return Drop("not_wikitext", place)
        if not text.strip():
            return Drop("no_text", place)
        doc_id = fields.get("id", "").strip() or numbered(self._raw, self._number)
        return Document(doc_id, self._settings.name, text, fields.get("title", ""))


def _namespace(fields: dict[str, str]) -> int:
    number = fields.get("ns", "0").strip()
    return int(number) if number.lstrip("-").isdecimal() else -1


# --- wikitext to prose -----------------------------------------------------------------------------------------------

_UNREAD = "ref|gallery|math|chem|ce|score|timeline|imagemap|syntaxhighlight|source|templatestyles|graph|mapframe|hiero"
_EMPTY_ELEMENT = re.compile(rf"<(?:{_UNREAD})\b[^<>]*/>", re.IGNORECASE)
_ELEMENT = re.compile(rf"<({_UNREAD})\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|poem|/poem)\b[^<>\n]*>", re.IGNORECASE)
_MAGIC_WORD = re.compile(r"__[A-Z가-힣]+__")
_HEADING = re.compile(r"^(={1,6})[ \t]*(.*?)[ \t]*\1[ \t]*$", re.MULTILINE)
_LIST_MARK = re.compile(r"^(?:[*#:;]+[ \t]*|-{4,})", re.MULTILINE)
_BRACES = re.compile(r"\{\{+|\}\}+")
_MARKUP = re.compile(r"\[|''|&")
_PIECE_CHARACTERS = 5_000
"""What is parsed at once: the parser's time grows with the square of brackets that nothing closes."""
_TEXT_TEMPLATES = ("lang", "llang", "nowrap", "줄바꿈 금지", "big", "small")
"""Templates whose last parameter is read as part of the sentence."""
_DROPPED_LINK = re.compile(r"\s*(?:파일|그림|분류|file|image|category|media|미디어)\s*:", re.IGNORECASE)
_OTHER_LANGUAGE = re.compile(r"\s*(?:[a-z]{2,3}|simple|zh-[a-z-]+|be-tarask|roa-rup)\s*:")


def render(text: str) -> str:
    """What a reader of the page sees as prose: links keep their words, headings and list items become lines.

    Templates, tables, notes, files, categories, galleries, formulas and code go.
    """
    text = replace_nested(text.replace("&nbsp;", " "), "<!--", "-->", nothing)
    text = without_elements(_EMPTY_ELEMENT.sub("", text), _ELEMENT)
    text = replace_nested(text, "{{", "}}", _template)
    text = replace_nested("\n" + text, "\n{|", "\n|}", nothing)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _HEADING.sub(r"\2", _MAGIC_WORD.sub("", text))
    text = _LIST_MARK.sub("", _BRACES.sub("", text))
    return tidy("\n".join(_plain(line) for line in text.split("\n")))


def _template(inside: str) -> str:
    name, *parameters = inside.split("|")
    unnamed = [parameter for parameter in parameters if "=" not in parameter]
    return unnamed[-1].strip() if name.strip().lower() in _TEXT_TEMPLATES and unnamed else ""


def _plain(line: str) -> str:
    if not _MARKUP.search(line):
        return line
    return "".join(_parsed(piece) for piece in _pieces(line))


def _pieces(line: str) -> Iterator[str]:
    while len(line) > _PIECE_CHARACTERS:
        cut = line.rfind(" ", 0, _PIECE_CHARACTERS) + 1 or _PIECE_CHARACTERS
        yield line[:cut]
        line = line[cut:]
    yield line


def _parsed(text: str) -> str:
    import mwparserfromhell

    return _prose(mwparserfromhell.parse(text))


def _prose(code: Any) -> str:
    """The words of a parsed text. The parser bounds its own depth."""
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
    """The label of a link in brackets. A bare address stays: cleaning knows what the settings say of addresses."""
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


SOURCE = Source("mediawiki", (".xml",), read, render)
