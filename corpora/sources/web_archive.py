"""Web archives: WARC files of crawled pages, and WET files, which hold the text of pages.

A page is a document, its markup untouched, with the title of its `<title>`. A record that is no page of HTML, or one that
the server did not deliver, is a Drop. Documents are numbered, because an address may hold personal data.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.markup import html_page, main_text
from corpora.sources.decoding import byte_order_mark, detect, html_charset, python_encoding
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, numbered
from corpora.sources.warc_records import answer, records
from corpora.sources.web_page import page_title

_HTML = ("text/html", "application/xhtml+xml")


def read_pages(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads the `response` records: pages of HTML."""
    for record in records(raw.binary(), "response", settings.max_document_bytes):
        place = f"{raw.place}:{record.number}"
        page = answer(record.content, settings.max_document_bytes)
        if page.status != 200:
            yield Drop("not_delivered", place)
        elif page.content_type not in _HTML:
            yield Drop("not_html", place)
        else:
            text = _text(page.body, settings, (page.charset, html_charset(page.body)), place)
            title = page_title(text) if isinstance(text, str) else ""
            yield _document(text, raw, settings, record.number, title)


def read_texts(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads the `conversion` records of a WET file: plain text."""
    for record in records(raw.binary(), "conversion", settings.max_document_bytes):
        text = _text(record.content, settings, ("utf-8",), f"{raw.place}:{record.number}")
        yield _document(text, raw, settings, record.number, "")


def _document(text: str | Drop, raw: RawFile, settings: SourceConfig, number: int, title: str) -> Document | Drop:
    return text if isinstance(text, Drop) else Document(numbered(raw, number - 1), settings.name, text, title)


def _text(content: bytes, settings: SourceConfig, declared: tuple[str, ...], place: str) -> str | Drop:
    """The text in the first encoding that fits: that of the settings, of its byte order mark, declared, guessed."""
    if len(content) > settings.max_document_bytes:
        return Drop("too_large", place)
    marked, size = byte_order_mark(content)
    if settings.encoding == "auto":
        candidates = [marked, *map(python_encoding, declared), detect(content, whole=True)]
    else:
        candidates = [settings.encoding]
    for encoding in filter(None, candidates):
        try:
            return content[size:].decode(encoding)
        except UnicodeDecodeError:
            continue
    return Drop("undecodable", place)


WARC = Source("warc", (".warc",), read_pages, html_page.render)
WARC_MAIN = Source(
    "warc_main", (), read_pages, main_text.render, (".warc",), extra="web", modules=main_text.MODULES
)  # fmt: skip
WET = Source("wet", (".wet",), read_texts)
