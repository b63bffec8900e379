"""Compressed streams: bytes are read in bounded parts, and data that is cut off is an error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from typing import IO, Any, cast

import zstandard

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_SHORT = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}
_ZSTD_CHUNK = 1_024
"""Compressed bytes per step. A zstd block of 4 bytes may expand to 128 KiB, so one step gives at most 32 MiB."""


def split_compression(name: str) -> tuple[str, str]:
    """Splits `글.TXT.gz` into (`글.txt`, `.gz`): the name in lower case, and the ending of its compression."""
    name = name.lower()
    for short, long in _SHORT.items():
        if name.endswith(short):
            name = name.removesuffix(short) + long
    for ending in COMPRESSIONS:
        if name.endswith(ending):
            return name.removesuffix(ending), ending
    return name, ""


def decompressed(stream: IO[bytes], ending: str) -> IO[bytes]:
    """Gives the content of a stream; an empty stream stays empty. Damage raises EOFError, OSError, LZMAError or
    ZstdError."""
    if not ending:
        return stream
    first = stream.read(1)
    if not first:
        return stream
    whole: io.BufferedReader = io.BufferedReader(Replayable(stream, first), 65_536)
    if ending == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=whole))
    if ending == ".bz2":
        return cast(IO[bytes], bz2.BZ2File(whole))
    if ending == ".xz":
        return cast(IO[bytes], lzma.LZMAFile(whole))
    return cast(IO[bytes], ZstdReader(whole))


class Replayable(io.RawIOBase):
    """A stream whose first bytes can be examined before they are read.

    An error of the stream is raised after the bytes before it, and at every later read: several readers return an
    ordinary end of file when they are asked again.
    """

    def __init__(self, stream: Any, ahead: bytes = b"") -> None:
        self._stream = stream
        self._ahead = memoryview(ahead)
        self._error: Exception | None = None
        self._read = getattr(stream, "read1", stream.read)
        """`read` gathers several parts, and loses them if the last one fails."""

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """Gives the next `size` bytes without reading past them; fewer at the end of the stream or before damage."""
        parts = [bytes(self._ahead)]
        missing = size - len(parts[0])
        try:
            while missing > 0 and self._error is None and (part := self._read(missing)):
                parts.append(part)
                missing -= len(part)
        except Exception as error:
            self._error = error
        self._ahead = memoryview(b"".join(parts))
        if self._error is not None and not self._ahead:
            raise self._error
        return bytes(self._ahead[:size])

    def readinto(self, buffer: Any, /) -> int:
        if not self._ahead:
            self._ahead = memoryview(self._next(len(buffer)))
        size = min(len(buffer), len(self._ahead))
        buffer[:size], self._ahead = self._ahead[:size], self._ahead[size:]
        return size

    def _next(self, size: int) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            return cast(bytes, self._read(size))
        except Exception as error:
            self._error = error
            raise

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class ZstdReader(io.RawIOBase):
    """The bytes of one or more zstd frames. The reader of zstandard treats a truncated file as a shorter one."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._chunks = _frames(stream)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _frames(stream: io.BufferedReader) -> Iterator[bytes]:
    frame, chunk = None, b""
    while chunk := chunk or stream.read1(_ZSTD_CHUNK):
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        if content := frame.decompress(chunk):
            yield content
        chunk = frame.unused_data
        if frame.eof:
            frame = None
    if frame is not None:
        raise EOFError("Compressed file ended before the end of its last frame")
