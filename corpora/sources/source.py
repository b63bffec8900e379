"""What a source format is: a name, its file names, a reader of raw documents, a renderer of their markup."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

Reader = Callable[[RawFile, SourceConfig], Iterator[Document | Drop]]
"""Documents in file order, markup untouched, with a Drop for every record that could not be read. Memory is bounded by
`max_document_bytes`, however large the file."""


@dataclass(frozen=True)
class Source:
    """A format, as a row of `SOURCES`."""

    name: str
    suffixes: tuple[str, ...]
    """File name endings, before that of a compression, that only this format has. May be empty."""
    read: Reader
    render: Callable[[str], str] | None = None
    """Turns markup into prose. Pure: it runs later, in worker processes. None: the text is already prose."""
    shared_suffixes: tuple[str, ...] = ()
    """Endings that other formats have too. Such files are read in folders and archives if the format is named."""
    names: re.Pattern[str] | None = None
    """File names without an ending that only this format has."""
    has_bytes: bool = True
    """Whether `read` reads the bytes of the file. False: a library reads it by its address."""
    check: Callable[[SourceConfig], object] = bool
    """Raises InputError for settings that no file fits."""
    extra: str = ""
    """The optional dependency of the project that has to be installed; empty if there is none."""
    modules: tuple[str, ...] = ()
    """What `extra` installs and the reader imports."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed."""
        return tuple(name for name in self.modules if importlib.util.find_spec(name) is None)

    @property
    def pip(self) -> str:
        """The command that installs what is missing."""
        return f"pip install 'kobert-pipeline[{self.extra}]'"

    def require(self, place: str) -> None:
        """Raises InputError, with the command that helps, if a module is missing."""
        if self.missing:
            raise InputError(
                "{place}: reading {format} needs {packages}. Run: {command}",
                place=place,
                format=self.name,
                packages=", ".join(self.missing),
                command=self.pip,
            )

    def is_certain(self, name: str) -> bool:
        """Whether a file name (lower case, without the ending of a compression) belongs to this format only."""
        return name.endswith(self.suffixes) or bool(self.names and self.names.search(name))

    def may_read(self, name: str) -> bool:
        """Whether a file of this name can be in this format."""
        return self.is_certain(name) or name.endswith(self.shared_suffixes)


class Damaged(Exception):
    """The file breaks the rules of its format, so the rest cannot be read. Readers raise it, the stage handles it."""


def document(
    row: Mapping[str, Any], number: int, raw: RawFile, settings: SourceConfig, place: str
) -> Document | Drop:  # fmt: skip
    """Makes a document of a row. `number` counts rows from 0 and becomes the id if the row has none."""
    texts = [row.get(field) for field in settings.text_fields]
    text = "\n".join(text for text in texts if isinstance(text, str))
    if not any(isinstance(text, str) for text in texts):
        if number == 0:
            _check_kinds(texts, raw, settings)
        return Drop("no_text", place)
    if too_large(text, settings):
        return Drop("too_large", place)
    identifier = row.get(settings.id_field)
    title = row.get(settings.title_field)
    doc_id = numbered(raw, number) if identifier in (None, "") else str(identifier)
    return Document(doc_id, settings.name, text, str(title or ""))


def _check_kinds(values: list[Any], raw: RawFile, settings: SourceConfig) -> None:
    """Raises InputError if the text fields of a first row hold something else than strings. null is a missing text."""
    kinds = sorted({_kind(value) for value in values if value is not None})
    if kinds:
        raise InputError(
            "{place}: `{fields}` holds {kinds}, not a string. Set `text_field` of source `{source}` to a field of strings; "
            "for lists and objects in JSON, set `format: ai_hub` and a JMESPath expression as `text_field`.",
            place=raw.place,
            fields=", ".join(settings.text_fields),
            kinds=" + ".join(kinds),
            source=settings.name,
        )


def _kind(value: object) -> str:
    if isinstance(value, list | dict):
        return say("a list") if isinstance(value, list) else say("an object")
    if isinstance(value, bytes):
        return say("bytes")
    return say("a truth value") if isinstance(value, bool) else say("a number")


def check_fields(names: Iterable[str], place: str, settings: SourceConfig) -> None:
    """Raises InputError, with the names that exist, if a file has none of the text fields."""
    names = list(names)
    if not any(field in names for field in settings.text_fields):
        raise InputError(
            "{place}: no column `{fields}`; there are {names}. Set `text_field` of source `{source}`.",
            place=place,
            fields=", ".join(settings.text_fields),
            names=", ".join(map(str, names)),
            source=settings.name,
        )


def numbered(raw: RawFile, number: int) -> str:
    """Gives the id of a document that has none: `글-000012`."""
    return f"{raw.stem}-{number:06d}"


def too_large(text: str, settings: SourceConfig) -> bool:
    """Whether a text exceeds `max_document_bytes`. Bytes are counted only if the characters do not decide."""
    limit = settings.max_document_bytes
    return len(text) > limit or (3 * len(text) > limit and len(text.encode(errors="replace")) > limit)
