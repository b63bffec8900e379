"""MediaWiki XML dumps (`pages-articles.xml`): pages of the chosen namespaces."""

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
from corpora.markup import wikitext
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, numbered
from kobert_pipeline.ground.messages import say

_CHUNK_BYTES = 65_536
_REDIRECT = re.compile(r"\s*#(?:redirect|넘겨주기)\b", re.IGNORECASE)
_FIELDS = ("title", "ns", "id", "revision/model", "revision/text")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads pages. Redirects, other namespaces and pages that are not wikitext are dropped and counted.

    Entities are never expanded: a file that defines any is refused as damaged, and so is one that is not a MediaWiki
    dump.
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
                raise Damaged(say("one XML tag or comment is larger than `max_document_bytes`"))
        parser.close()
    except (SAXException, defusedxml.DefusedXmlException) as error:
        yield from pages.take()
        raise Damaged(say("not readable as XML: {error}", error=error)) from None
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
        """Bytes given to the parser since it last reported anything."""

    def take(self) -> list[Document | Drop]:
        found, self._found = self._found, []
        return found

    def startElement(self, name: str, attrs: Any) -> None:
        self.unreported = 0
        if not self._path and name != "mediawiki":
            raise Damaged(say("not a MediaWiki dump: its outermost element is <{name}>", name=name[:40]))
        self._path.append(name)
        if len(self._path) == 2 and name == "page":
            self._fields, self._size, self._redirect = {}, 0, False
        elif name == "redirect" and len(self._path) == 3:
            self._redirect = True
        elif name == "revision" and len(self._path) == 3:
            self._forget_revision()

    def _forget_revision(self) -> None:
        """Dumps with their history list revisions from the oldest on: the last one is the page."""
        self._fields = {name: parts for name, parts in self._fields.items() if not name.startswith("revision/")}
        self._size = sum(len(part.encode(errors="replace")) for parts in self._fields.values() for part in parts)

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


SOURCE = Source("mediawiki", (".xml",), read, wikitext.render)
