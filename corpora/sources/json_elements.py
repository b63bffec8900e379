"""The elements of one large JSON array, each as its own bytes.

A JSON reader that builds values, even a streaming one, keeps every string in memory, however long. Here the text is cut
at the array's commas without being interpreted, so an element beyond the limit is never in memory and its neighbours
are kept; `json` then reads one element at a time, at full speed.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from corpora.documents import Drop
from corpora.sources.source import Damaged
from kobert_pipeline.ground.messages import say

_CHUNK_BYTES = 65_536
_NAME_BYTES = 256
_MARK = re.compile(rb'["{}\[\]:,]')
_INSIDE_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


def json_elements(stream: io.BufferedReader, key: str | None, limit: int, place: str) -> Iterator[tuple[int, Any]]:
    """Gives (number from 0, value) of each element of the outermost array, or of the array under `key` of the outermost
    object.

    The value is a Drop if an element is too large, not UTF-8 or not JSON. Raises Damaged if the text is cut off, or if
    there is no such array.
    """
    scanner = _Scanner(None if key is None else json.dumps(key, ensure_ascii=False).encode(), limit)
    number = 0
    while chunk := stream.read1(_CHUNK_BYTES):
        for element in scanner.feed(chunk):
            yield number, _value(element, f"{place}[{number}]")
            number += 1
    scanner.finish(say("the outermost array") if key is None else say("an array `{name}`", name=key))


def _value(element: bytes | None, place: str) -> Any:
    if element is None:
        return Drop("too_large", place)
    try:
        return json.loads(element.decode("utf-8"), strict=False)
    except UnicodeDecodeError:
        return Drop("undecodable", place)
    except (ValueError, RecursionError):
        return Drop("unreadable_element", place)


class _Scanner:
    """Follows strings and brackets, and keeps at most `limit` bytes of the current element."""

    def __init__(self, key: bytes | None, limit: int) -> None:
        self._key = key
        self._limit = limit
        self._depth = 0
        self._array_depth: int | None = None
        """Depth inside the wanted array while we are in it."""
        self._found = False
        self._in_string = self._escaped = False
        self._string = b""
        """Beginning of the last string outside the array, with its quotes."""
        self._name = b""
        """Name of the current value of the outermost object."""
        self._parts: list[bytes] = []
        self._size = 0
        self._start: int | None = None
        """Where the part of the element that is not yet in `_parts` begins in this chunk."""

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Gives the elements that end in this chunk; None for one beyond the limit."""
        position = int(self._escaped)
        self._escaped = False
        self._start = None if self._array_depth is None else 0
        while position < len(chunk):
            if self._in_string:
                position = self._through_string(chunk, position)
            elif mark := _MARK.search(chunk, position):
                position = mark.end()
                yield from self._at_mark(mark[0], chunk, mark.start())
            else:
                break
        if self._start is not None:
            self._hold(chunk[self._start :])

    def _through_string(self, chunk: bytes, position: int) -> int:
        end = _INSIDE_STRING.match(chunk, position).end()  # type: ignore[union-attr]  # it matches the empty string too
        closes = end < len(chunk) and chunk[end : end + 1] == b'"'
        if self._array_depth is None and len(self._string) <= _NAME_BYTES:
            self._string += chunk[position : end + closes]
        self._escaped = end < len(chunk) and not closes
        self._in_string = not closes
        return end + 1

    def _at_mark(self, mark: bytes, chunk: bytes, position: int) -> Iterator[bytes | None]:
        if mark == b'"':
            self._in_string, self._string = True, b'"'
        elif mark in b"[{":
            self._open(mark, position)
        elif mark == b":":
            self._name = self._string if self._depth == 1 else self._name
        else:
            yield from self._end(mark, chunk, position)

    def _open(self, mark: bytes, position: int) -> None:
        wanted = self._depth == 0 if self._key is None else self._depth == 1 and self._name == self._key
        self._depth += 1
        if mark == b"[" and wanted and self._array_depth is None:
            self._array_depth, self._start, self._found = self._depth, position + 1, True

    def _end(self, mark: bytes, chunk: bytes, position: int) -> Iterator[bytes | None]:
        if self._depth == self._array_depth:
            self._hold(chunk[self._start : position])
            yield from self._element()
            self._start = position + 1
        if mark != b",":
            self._depth -= 1
            if self._depth < 0:
                raise Damaged(say("more JSON brackets are closed than opened"))
            if self._array_depth is not None and self._depth < self._array_depth:
                self._array_depth = self._start = None

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._limit:
            self._parts.append(part)
        else:
            self._parts.clear()

    def _element(self) -> Iterator[bytes | None]:
        element = b"".join(self._parts).strip()
        if self._size > self._limit:
            yield None
        elif element:
            yield element
        self._parts, self._size = [], 0

    def finish(self, wanted: str) -> None:
        if self._in_string or self._depth:
            raise Damaged(say("the JSON text is cut off"))
        if not self._found:
            raise Damaged(say("the JSON text does not have {wanted}", wanted=wanted))
