"""Archives (zip, tar) as folders of files, read without being extracted. Memory does not depend on a member's size."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, Self, cast

from corpora.documents import Drop
from corpora.sources.compression import split_compression
from corpora.sources.raw_file import RawFile

ARCHIVES = (".zip", ".tar")
_MAX_HEADER_BYTES = 1 << 20
"""Of a tar header that holds a long name or further attributes: it is read whole."""
_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)  # fmt: skip


def is_archive(name: str) -> bool:
    bare, compression = split_compression(name)
    return bare.endswith(".tar") or (bare.endswith(".zip") and not compression)


def members(archive: RawFile) -> Iterator[RawFile | Drop]:
    """The files inside, in the archive's order; each must be read before the next is asked for.

    A member outside the archive's own folder (`..`, absolute), a link or a device is an `unsafe_member`, one with a
    password an `encrypted_member`, an archive in the archive a `nested_archive`: dropped, its neighbours are read.
    """
    walk = _zip_members if split_compression(archive.name)[0].endswith(".zip") else _tar_members
    for member in walk(archive):
        if isinstance(member, RawFile) and is_archive(member.name):
            yield Drop("nested_archive", member.place)
        else:
            yield member


def _member(archive: RawFile, name: str, open_stream: Callable[[], IO[bytes]]) -> RawFile:
    prefix = f"{archive.stem}/" if archive.stem else ""
    return RawFile(f"{archive.place}/{name}", prefix + name, name, open_stream)


def _is_unsafe(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]


# --- zip -------------------------------------------------------------------------------------------------------------


def _zip_members(archive: RawFile) -> Iterator[RawFile | Drop]:
    with _opened_zip(archive.seekable()) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                yield _zip_member(archive, opened, info)


def _opened_zip(stream: IO[bytes]) -> zipfile.ZipFile:
    """Names that are not marked as UTF-8 are CP949, as Korean Windows writes them, where all of them are."""
    try:
        return zipfile.ZipFile(stream, metadata_encoding="cp949")
    except UnicodeDecodeError:
        stream.seek(0)
        return zipfile.ZipFile(stream)


def _zip_member(archive: RawFile, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> RawFile | Drop:
    place = f"{archive.place}/{info.filename}"
    mode = info.external_attr >> 16
    if _is_unsafe(info.filename) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return Drop("unsafe_member", place)
    if info.flag_bits & 0x1:
        return Drop("encrypted_member", place)
    return _member(archive, info.filename, lambda: opened.open(info))


# --- tar -------------------------------------------------------------------------------------------------------------


class _StrictTarInfo(tarfile.TarInfo):
    """tarfile takes a damaged header, or a missing one, for the end of the archive, and reads any header whole."""

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


def _tar_members(archive: RawFile) -> Iterator[RawFile | Drop]:
    stream = archive.binary()
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as opened:
        while (info := opened.next()) is not None:
            cast(Any, opened).members.clear()  # tarfile keeps every header it has read
            if not info.isdir():
                yield _tar_member(archive, opened, info)
    while stream.read1(65_536):  # to the compression's own checksum
        pass


def _tar_member(archive: RawFile, opened: tarfile.TarFile, info: tarfile.TarInfo) -> RawFile | Drop:
    if not info.isreg() or _is_unsafe(info.name):
        return Drop("unsafe_member", f"{archive.place}/{info.name}")
    return _member(archive, info.name, lambda: cast(IO[bytes], opened.extractfile(info)))
