"""Small WARC and WET files, written by hand."""

from __future__ import annotations

from collections.abc import Sequence

WARC_HEAD = (
    "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number:032x}>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
)


def record(
    kind: str, content: bytes, number: int = 0, content_type: str = "application/http; msgtype=response"
) -> bytes:
    head = (
        WARC_HEAD.format(kind=kind, number=number)
        + f"Content-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def response(
    body: bytes, *, status: str = "200 OK", content_type: str = "text/html; charset=utf-8", headers: Sequence[str] = ()
) -> bytes:
    """The answer of a server, as the content of a record."""
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def archive(*records: bytes) -> bytes:
    return record("warcinfo", b"software: none\r\n", content_type="application/warc-fields") + b"".join(records)


def warc(texts: Sequence[str]) -> bytes:
    """Each text is a page, with a request before it, as crawlers write."""
    pages = (
        (record("request", b"GET / HTTP/1.1\r\n\r\n"), record("response", response(text.encode()))) for text in texts
    )
    return archive(*(part for page in pages for part in page))


def wet(texts: Sequence[str]) -> bytes:
    return archive(*(record("conversion", text.encode(), content_type="text/plain") for text in texts))
