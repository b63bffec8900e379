"""Office documents: HWP, HWPX, DOCX and PDF files. A file is a document.

A file that cannot be read is a Drop, for the reasons that `corpora.office.worker` gives. If the recipe names this one
file, and it is damaged or something else, the run stops as for other formats.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.office.process import converter
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, too_large
from kobert_pipeline.ground.messages import say

MAX_FILE_BYTES = 200 << 20


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads a file as one document. A page of a PDF that has no text layer is a Drop of its own."""
    with _copied(raw) as path:
        converted = converter().convert(path) if path else None
    if converted is None:
        yield Drop("too_large", raw.place)
        return
    if raw.place == settings.path and converted.reason == "damaged":
        raise Damaged(say("it is cut off or damaged"))
    if raw.place == settings.path and converted.reason == "other_format":
        raise Damaged(say("it is not an HWP, HWPX, DOCX or PDF file"))
    for reason, number in converted.parts:
        yield Drop(reason, f"{raw.place}:{number}")
    if converted.reason:
        yield Drop(converted.reason, raw.place)
    elif too_large(converted.text, settings):
        yield Drop("too_large", raw.place)
    elif converted.text:
        yield Document(raw.stem, settings.name, converted.text)


@contextlib.contextmanager
def _copied(raw: RawFile) -> Iterator[str]:
    """A file of its own with the decompressed bytes, because parsers seek; an empty name if they are too many."""
    size = 0
    with tempfile.NamedTemporaryFile(suffix=".document") as copy, raw.binary() as stream:
        while size <= MAX_FILE_BYTES and (block := stream.read(1 << 20)):
            copy.write(block)
            size += len(block)
        copy.flush()
        yield copy.name if size <= MAX_FILE_BYTES else ""


def _source(name: str) -> Source:
    return Source(name, (f".{name}",), read, extra="office", modules=("dochan",))


HWP, HWPX, DOCX, PDF = map(_source, ("hwp", "hwpx", "docx", "pdf"))
