"""HTML: one page is a document. Its encoding is what its bytes or its `<meta charset>` say."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.markup import html_page, main_text
from corpora.sources.decoding import html_charset
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source

_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads a page as one document, with the title of its `<title>`."""
    text = raw.text(settings, declared=html_charset(raw.head()))
    if isinstance(text, Drop):
        yield text
        return
    yield Document(raw.stem, settings.name, text, page_title(text))


def page_title(text: str) -> str:
    """Gives the content of `<title>`; empty if there is none."""
    title = _TITLE.search(text)
    return " ".join(html.unescape(title[1]).split()) if title else ""


_ENDINGS = (".html", ".htm", ".xhtml")
SOURCE = Source("html", _ENDINGS, read, html_page.render)
MAIN = Source("html_main", (), read, main_text.render, _ENDINGS, extra="web", modules=main_text.MODULES)
