"""Members of archives (zip, tar), read without being extracted. Memory does not depend on the size of a member.

A member outside the archive's own folder (`..`, absolute), a link or a device is refused as `unsafe_member`, one with a
password as `encrypted_member`, an archive in the archive as `nested_archive`. Its neighbours are read.
"""

from __future__ import annotations

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Self, cast

import zstandard

from kobert_pipeline.ground.compression import split_compression

DAMAGED = (
    OSError, EOFError, UnicodeDecodeError, NotImplementedError, struct.error, zlib.error, lzma.LZMAError,
    zstandard.ZstdError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
"""What reading raises for an archive, or compressed data, that is cut off, damaged or something else."""

_MAX_HEADER_BYTES = 1 << 20
"""Limit of a tar header that holds a long name or further attributes: such a header is read whole."""
_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A file in an archive. It must be read before the next is asked for."""

    name: str
    open: Callable[[], IO[bytes]]
    refused: str = ""
    """Why it must not be read: unsafe_member, encrypted_member, nested_archive. Empty for a file to read."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is a zip or a tar, compressed or not."""
    bare, compression = split_compression(name)
    return bare.endswith(".tar") or (bare.endswith(".zip") and not compression)


def is_zip(name: str) -> bool:
    """Whether an archive of this name is a zip. Any other is a tar."""
    return split_compression(name)[0].endswith(".zip")


def _refusal(name: str, *, is_file: bool, encrypted: bool = False) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if not is_file or path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        return "unsafe_member"
    if encrypted:
        return "encrypted_member"
    return "nested_archive" if is_archive(name) else ""


# --- zip -------------------------------------------------------------------------------------------------------------


def zip_members(stream: IO[bytes]) -> Iterator[Member]:
    """The files of a zip, in its order. `stream` must be able to seek."""
    with _opened_zip(stream) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                yield _zip_member(opened, info)


def _opened_zip(stream: IO[bytes]) -> zipfile.ZipFile:
    """Names without the UTF-8 flag are CP949, as Korean Windows writes them, if all of them can be decoded so."""
    try:
        return zipfile.ZipFile(stream, metadata_encoding="cp949")
    except UnicodeDecodeError:
        stream.seek(0)
        return zipfile.ZipFile(stream)


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    is_file = not stat.S_IFMT(mode) or stat.S_ISREG(mode)
    refused = _refusal(info.filename, is_file=is_file, encrypted=bool(info.flag_bits & 0x1))
    return Member(info.filename, lambda: opened.open(info), refused)


# --- tar -------------------------------------------------------------------------------------------------------------


class _StrictTarInfo(tarfile.TarInfo):
    """tarfile takes a damaged or missing header for the end of the archive, and reads a header of any size whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        is_end = len(buf) == tarfile.BLOCKSIZE and not buf.strip(b"\0")
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if is_end:
                raise
            raise tarfile.ReadError(f"damaged or missing header ({error})") from None
        if info.type in _HEADERS and info.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {info.size:,} bytes")
        return info


def tar_members(stream: Any) -> Iterator[Member]:
    """The files of a tar, in its order. `stream` is decompressed, and read to its end, where a compression checks
    itself."""
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as opened:
        while (info := opened.next()) is not None:
            cast(Any, opened).members.clear()  # tarfile keeps every header that it has read
            if not info.isdir():
                yield _tar_member(opened, info)
    while stream.read1(65_536):
        pass


def _tar_member(opened: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    return Member(
        info.name, lambda: cast(IO[bytes], opened.extractfile(info)), _refusal(info.name, is_file=info.isreg())
    )  # fmt: skip
