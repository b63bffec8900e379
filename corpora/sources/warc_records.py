"""The records of a WARC file (ISO 28500), and the answers of web servers in them (RFC 9112).

fastwarc 2.0 was tried in its place: it takes a record that is cut off for a shorter one, and an error of its stream, as of
a damaged gzip file, ends the program.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, parse_headers
from typing import IO

from corpora.sources.source import Damaged
from kobert_pipeline.ground.messages import say

_HEAD_BYTES = 65_536
"""Limit of the head of an answer, and of a line of a record's head."""
_SKIPPED_BYTES = 1 << 20


@dataclass(frozen=True)
class Record:
    number: int
    """From 1, among the records of its kind."""
    content: bytes
    """At most the limit and a head."""


@dataclass(frozen=True)
class Answer:
    """What a server sent."""

    status: int
    """Of HTTP; 0 for something that is no answer."""
    content_type: str
    """Lower case, without parameters."""
    charset: str
    body: bytes
    """Without its transfer encoding and compression; one byte more than the limit at most."""


def records(stream: IO[bytes], kind: str, limit: int) -> Iterator[Record]:
    """Gives the records whose `WARC-Type` is `kind`. Raises Damaged for what is not a whole record."""
    number = 0
    while line := stream.readline(_HEAD_BYTES):
        if not line.strip():
            continue
        if not line.startswith(b"WARC/"):
            raise Damaged(say("something that is not a record of WARC"))
        head = _head(stream)
        content = _content(stream, head, limit + _HEAD_BYTES)
        if head.get("WARC-Type", "").strip().lower() == kind:
            number += 1
            yield Record(number, content)


def _head(stream: IO[bytes]) -> HTTPMessage:
    try:
        return parse_headers(stream)
    except HTTPException as error:
        raise Damaged(say("a damaged head of a record ({error})", error=error)) from None


def _content(stream: IO[bytes], head: HTTPMessage, limit: int) -> bytes:
    """The content up to the limit; the rest is skipped."""
    length = head.get("Content-Length", "").strip()
    if not (length.isascii() and length.isdigit()):
        raise Damaged(say("a record without its length"))
    content = stream.read(min(int(length), limit))
    left = int(length) - len(content)
    while left and (block := stream.read(min(left, _SKIPPED_BYTES))):
        left -= len(block)
    if left or stream.read(4) != b"\r\n\r\n":
        raise Damaged(say("a record that is cut off"))
    return content


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(content: bytes, limit: int) -> Answer:
    """Reads an answer of HTTP. A body that is not encoded as its head says is taken as it is: crawlers decode some."""
    line, _, rest = content.partition(b"\n")
    head, _, body = rest.partition(b"\r\n\r\n" if b"\r\n\r\n" in rest[:_HEAD_BYTES] else b"\n\n")
    words = line.split()
    status = int(words[1]) if line.startswith(b"HTTP/") and len(words) > 1 and words[1].isdigit() else 0
    try:
        headers = parse_headers(io.BytesIO(head + b"\r\n\r\n"))
    except HTTPException:
        return Answer(0, "", "", b"")
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        body = _joined(body)
    if headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate"):
        body = _decompressed(body, limit + 1)
    return Answer(status, headers.get_content_type(), headers.get_content_charset() or "", body[: limit + 1])


def _joined(body: bytes) -> bytes:
    """The chunks of a body, in one; the body itself if it has none."""
    stream = io.BytesIO(body)
    parts: list[bytes] = []
    while True:
        try:
            size = int(stream.readline(1_000).partition(b";")[0], 16)
        except ValueError:
            return b"".join(parts) or body
        if size <= 0:
            return b"".join(parts)
        parts.append(stream.read(size))
        stream.readline(3)


def _decompressed(body: bytes, limit: int) -> bytes:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(window).decompress(body, limit)
        except zlib.error:
            continue
    return body
