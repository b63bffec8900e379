"""What a source format is: a name, the file names it goes by, and a reader of raw documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, cast

import fsspec

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
    """UTF-8 text (with or without BOM), decompressed by the file's ending. Undecodable bytes raise UnicodeDecodeError."""
    return cast(
        IO[str], fsspec.open(address, mode="rt", compression="infer", encoding="utf-8-sig", newline="\n").open()
    )


def open_binary(address: str) -> IO[bytes]:
    return cast(IO[bytes], fsspec.open(address, mode="rb").open())


def stem(address: str) -> str:
    """The file's name without folder, compression and ending: the prefix of numbered document ids."""
    return without_compression(address.rsplit("/", 1)[-1]).rsplit(".", 1)[0]
