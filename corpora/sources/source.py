"""What a source format is: a name, the file names it goes by, a reader of raw documents, a renderer of their markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from kobert_pipeline.ground.errors import InputError

Reader = Callable[[RawFile, SourceConfig], Iterator[Document | Drop]]
"""Documents in file order, markup untouched, with a Drop for every record that could not be read. Memory is bounded by
`max_document_bytes`, however large the file."""


@dataclass(frozen=True)
class Source:
    name: str
    suffixes: tuple[str, ...]
    """File name endings, before a compression's ending, that tell this format alone. May be empty."""
    read: Reader
    render: Callable[[str], str] | None = None
    """Markup to prose. Pure: it runs later, in worker processes. None: the text is prose as it is."""
    shared_suffixes: tuple[str, ...] = ()
    """Endings it may have too: read in folders and archives where the format is named."""
    names: re.Pattern[str] | None = None
    """File names without an ending that tell this format."""
    has_bytes: bool = True
    """Whether `read` reads the file itself, and not a library by the file's address."""

    def tells(self, name: str) -> bool:
        """Whether a lower-case file name without a compression's ending is of this format and of no other."""
        return name.endswith(self.suffixes) or bool(self.names and self.names.search(name))

    def may_read(self, name: str) -> bool:
        return self.tells(name) or name.endswith(self.shared_suffixes)


class Damaged(Exception):
    """The file breaks its format's rules so that the rest cannot be read. Raised by readers, answered by the stage."""


def document(
    row: Mapping[str, Any], number: int, raw: RawFile, settings: SourceConfig, place: str
) -> Document | Drop:  # fmt: skip
    """A row's document. `number` counts rows from 0 and makes the id where the row has none."""
    texts = [row.get(field) for field in settings.text_fields]
    text = "\n".join(text for text in texts if isinstance(text, str))
    if not any(isinstance(text, str) for text in texts):
        return Drop("no_text", place)
    if too_large(text, settings):
        return Drop("too_large", place)
    identifier = row.get(settings.id_field)
    title = row.get(settings.title_field)
    doc_id = numbered(raw, number) if identifier in (None, "") else str(identifier)
    return Document(doc_id, settings.name, text, str(title or ""))


def check_fields(names: Iterable[str], place: str, settings: SourceConfig, kind: str) -> None:
    """Raises InputError, naming what there is, where a file has none of the text fields."""
    names = list(names)
    if not any(field in names for field in settings.text_fields):
        raise InputError(
            f"{place}: no {kind} `{', '.join(settings.text_fields)}`; there are {', '.join(map(str, names))}. "
            f"Set `text_field` of source `{settings.name}`."
        )


def numbered(raw: RawFile, number: int) -> str:
    return f"{raw.stem}-{number:06d}"


def too_large(text: str, settings: SourceConfig) -> bool:
    """UTF-8 bytes, counted only where the characters leave it open."""
    limit = settings.max_document_bytes
    return len(text) > limit or (3 * len(text) > limit and len(text.encode(errors="replace")) > limit)
