"""One file, or one member of an archive, while it is read: opened once, decompressed and decoded in bounded memory."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import fsspec

from corpora.config import SourceConfig
from corpora.documents import Drop
from corpora.sources.decoding import (
    BLOCK_BYTES,
    Utf8Stream,
    byte_order_mark,
    detect,
    needs_transcoding,
)
from kobert_pipeline.ground.compression import Replayable, decompressed, split_compression

HEAD_BYTES = 65_536
_BUFFER_BYTES = 262_144
_SHOWN_BYTES = 200
_SPOOL_BYTES = 64 << 20


class RawFile:
    """What a reader gets. It is read once, from the beginning.

    Compressed data that is cut off, and a missing file, raise the errors that `corpora.inputs` handles.
    """

    def __init__(
        self, place: str, stem: str, name: str, open_stream: Callable[[], IO[bytes]],
        *, address: str = "", seekable: bool = False, first: bool = True,
    ) -> None:  # fmt: skip
        self.place = place
        """What messages and drops show: `data/a.zip/b.json`. Only the part of the path that the user gave."""
        self.stem = stem
        """Prefix of numbered document ids. No other file of the source has it."""
        self.name = name
        self.address = address
        """Where the file is; empty for a member of an archive."""
        self.first = first
        """Whether it is the first file of its source. Here a wrong setting is an error; later it drops a record."""
        self.encoding: str | None = None
        """Set when text has been decoded."""
        self.beginning = b""
        """The first bytes, for messages."""
        self._open = open_stream
        self._seekable = seekable and not split_compression(name)[1]
        self._inner: IO[bytes] | None = None
        self._stream: Replayable | None = None

    def raw(self) -> Replayable:
        """Opens the decompressed bytes. A read gives what is available, and b"" only at the end."""
        if self._stream is None:
            self._inner = self._open()
            self._stream = Replayable(decompressed(self._inner, split_compression(self.name)[1]))
            self.beginning = self._stream.peek(_SHOWN_BYTES)
        return self._stream

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Gives the first bytes without reading past them."""
        return self.raw().peek(size)

    def binary(self) -> io.BufferedReader:
        return io.BufferedReader(self.raw(), _BUFFER_BYTES)

    def seekable(self) -> IO[bytes]:
        """Opens formats that are read from their end (Parquet, zip).

        A stream that cannot seek is first copied to a temporary file without a name, which is deleted when it is
        closed.
        """
        self.raw()
        if self._seekable and self._inner is not None:
            self._inner.seek(0)
            return self._inner
        copy = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  (the reader closes it)
        shutil.copyfileobj(self.binary(), copy)
        copy.seek(0)
        return cast(IO[bytes], copy)

    def utf8(self, settings: SourceConfig) -> io.BufferedReader:
        """Opens the text as UTF-8 without a byte order mark. What cannot be decoded is not valid UTF-8 here either."""
        stream, encoding = self._decodable(settings)
        transcoded = stream if encoding == "utf-8" else Utf8Stream(stream, encoding)
        return io.BufferedReader(transcoded, _BUFFER_BYTES)

    def lines(self, settings: SourceConfig) -> Iterator[tuple[int, str] | Drop]:
        """Gives (number from 1, line with its break); a Drop for a line that is too long or undecodable."""
        raw, encoding = self._decodable(settings)
        stream: io.RawIOBase = raw
        if needs_transcoding(encoding):
            stream, encoding = Utf8Stream(raw, encoding), "utf-8"
        limit, number = settings.max_document_bytes, 0
        buffered: io.BufferedReader = io.BufferedReader(stream, _BUFFER_BYTES)
        while line := buffered.readline(limit + 1):
            number += 1
            if len(line) > limit and not line.endswith(b"\n"):
                _skip_line(buffered)
                yield Drop("too_large", f"{self.place}:{number}")
                continue
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError:
                yield Drop("undecodable", f"{self.place}:{number}")
            else:
                yield number, text

    def text(self, settings: SourceConfig, declared: str = "") -> str | Drop:
        """Gives the whole text, in the `declared` encoding if it fits; a Drop if it is too large or undecodable."""
        raw, encoding = self._decodable(settings)
        limit = settings.max_document_bytes
        content = io.BufferedReader(raw, _BUFFER_BYTES).read(limit + 1)
        if len(content) > limit:
            return Drop("too_large", self.place)
        for candidate in dict.fromkeys([declared if settings.encoding == "auto" else "", encoding]):
            try:
                decoded = content.decode(candidate) if candidate else None
            except UnicodeDecodeError:
                continue
            if decoded is not None:
                self.encoding = candidate
                return decoded
        return Drop("undecodable", self.place)

    def _decodable(self, settings: SourceConfig) -> tuple[Replayable, str]:
        """The bytes after the byte order mark, and their encoding."""
        raw = self.raw()
        block = raw.peek(BLOCK_BYTES)
        marked, mark_bytes = byte_order_mark(block)
        if settings.encoding == "auto":
            encoding = marked or detect(block, whole=len(block) < BLOCK_BYTES)
        else:
            encoding = settings.encoding
            if marked and encoding in (marked, marked.rpartition("-")[0], "utf-8-sig"):
                encoding = marked
            else:
                mark_bytes = 0
        raw.read(mark_bytes)
        self.encoding = encoding
        return raw, encoding

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._inner is not None:
            self._inner.close()


def _skip_line(stream: io.BufferedReader) -> None:
    while (part := stream.readline(65_536)) and not part.endswith(b"\n"):
        pass


# --- opening ---------------------------------------------------------------------------------------------------------


def open_binary(address: str) -> IO[bytes]:
    """Opens a local path or an fsspec address, without decompressing it."""
    if "://" not in address:
        return Path(address).open("rb")
    try:
        return io.BufferedReader(cast(Any, _Remote(fsspec.open(address, mode="rb").open())), _BUFFER_BYTES)
    except FileNotFoundError:
        raise
    except Exception as error:  # every file system has its own exceptions
        raise OSError(f"{type(error).__name__}: {error}") from error


class _Remote(io.RawIOBase):
    """An fsspec file whose errors are OSErrors: every file system has its own exceptions."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, buffer: Any, /) -> int:
        try:
            content = self._stream.read(len(buffer))
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
