"""Which encoding a file is in, and its bytes as UTF-8.

Strict decoding in the order UTF-8, CP949 (which includes EUC-KR), UTF-16; a byte order mark decides at once. Characters
are never replaced: what cannot be decoded is detected line by line, or document by document.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Any

BLOCK_BYTES = 1 << 20
"""How much of a file is examined."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_KOREAN_OR_ASCII = re.compile(r"[\t\n\r\x20-\x7e\u3131-\u318e\uac00-\ud7a3]")
_UTF_16_SHARE = 0.9
"""Least share of Hangul and ASCII for UTF-16 without a mark: any even number of bytes can be decoded as UTF-16."""
_META_CHARSET = re.compile(rb"""<meta[^<>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_KOREAN_WINDOWS = {"euc-kr", "euc_kr", "euckr", "ks_c_5601-1987", "ksc5601", "korean", "windows-949", "ms949"}
"""Names that browsers read as CP949."""


def byte_order_mark(block: bytes) -> tuple[str, int]:
    """Gives (encoding, bytes of the mark), or ("", 0)."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if block.startswith(mark)), ("", 0))


def detect(block: bytes, *, whole: bool) -> str:
    """Guesses the encoding of a file that begins with `block`; `whole`: the block is the whole file.

    If the bytes have a NUL, which UTF-8 and CP949 text never has, UTF-16 is tried first: a few syllables of UTF-16 may
    be decoded as CP949 by accident. If no encoding fits the whole block, the one that decodes most lines is taken.
    """
    utf_16 = _utf_16(block)
    if utf_16 and b"\0" in block:
        return utf_16
    for encoding in ("utf-8", "cp949"):
        if _decodes(block, encoding, whole):
            return encoding
    if utf_16:
        return utf_16
    lines = block.split(b"\n")
    return max(("utf-8", "cp949"), key=lambda encoding: sum(_decodes(line, encoding, True) for line in lines))


def _decodes(block: bytes, encoding: str, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(block, whole)
    except UnicodeDecodeError:
        return False
    return True


def _utf_16(block: bytes) -> str:
    sample = block[: min(len(block), 65_536) // 2 * 2]
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, errors="replace")
        if text and len(_KOREAN_OR_ASCII.findall(text)) >= _UTF_16_SHARE * len(text):
            return encoding
    return ""


def html_charset(block: bytes) -> str:
    """Gives the encoding that an HTML page declares near its top; "" if it declares none, or an unknown one."""
    found = _META_CHARSET.search(block[:4_096])
    if found is None:
        return ""
    return python_encoding(found[1].decode("ascii", errors="replace"))


def python_encoding(name: str) -> str:
    """Gives Python's name of an encoding that a page or a server declares; "" if it is unknown."""
    name = name.strip().lower()
    if name in _KOREAN_WINDOWS:
        return "cp949"
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""


def needs_transcoding(encoding: str) -> bool:
    """Whether lines cannot be cut at the byte 0A."""
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


class Utf8Stream(io.RawIOBase):
    """A stream in another encoding, read as UTF-8.

    What cannot be decoded becomes bytes that are not valid UTF-8, so that strict decoding of the line or the document
    detects it.
    """

    def __init__(self, stream: io.RawIOBase, encoding: str) -> None:
        self._stream = stream
        errors = "surrogatepass" if needs_transcoding(encoding) else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest and not self._ended:
            self._rest = memoryview(self._next())
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _next(self) -> bytes:
        chunk = self._stream.read(65_536) or b""
        self._ended = not chunk
        try:
            return self._decoder.decode(chunk, final=self._ended).encode("utf-8", errors="surrogatepass")
        except UnicodeDecodeError:
            self._decoder.reset()
            return b"\xff"
