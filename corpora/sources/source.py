"""What a source format is: a name, the file names it goes by, and a reader of raw documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import fsspec
import zstandard

from corpora.config import SourceConfig
from kobert_pipeline.records import Document, Drop

Reader = Callable[[str, SourceConfig], Iterator[Document | Drop]]
"""(address, settings) -> documents in file order, with a Drop for every record that could not be read."""


@dataclass(frozen=True)
class Source:
    name: str
    suffixes: tuple[str, ...]
    """File name endings, before a compression's ending."""
    read: Reader


COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")


def without_compression(address: str) -> str:
    for ending in COMPRESSIONS:
        if address.endswith(ending):
            return address.removesuffix(ending)
    return address


def open_text(address: str) -> IO[str]:
    """UTF-8 text (with or without BOM), decompressed by the file's ending.

    Undecodable bytes raise UnicodeDecodeError, compressed data that breaks off EOFError.
    """
    if address.lower().endswith(".zst"):
        reader = io.BufferedReader(_ZstdReader(open_binary(address)))
        return io.TextIOWrapper(reader, encoding="utf-8-sig", newline="\n")
    return cast(
        IO[str], fsspec.open(address, mode="rt", compression="infer", encoding="utf-8-sig", newline="\n").open()
    )


def open_binary(address: str) -> IO[bytes]:
    return cast(IO[bytes], fsspec.open(address, mode="rb").open())


class _ZstdReader(io.RawIOBase):
    """The bytes of one or more zstd frames. zstandard's own reader passes off a truncated file as a shorter one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._chunks = _decompressed(stream)
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
        self._stream.close()
        super().close()


def _decompressed(stream: IO[bytes], chunk_bytes: int = 65_536) -> Iterator[bytes]:
    frame, chunk = None, b""
    while chunk := chunk or stream.read(chunk_bytes):
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        if text := frame.decompress(chunk):
            yield text
        chunk = frame.unused_data
        if frame.eof:
            frame = None
    if frame is not None:
        raise EOFError("Compressed file ended before the end of its last frame")


def stem(address: str) -> str:
    """The file's name without folder, compression and ending: the prefix of numbered document ids."""
    return without_compression(address.rsplit("/", 1)[-1]).rsplit(".", 1)[0]
