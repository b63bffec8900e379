"""Plain text: documents separated by blank lines."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.sources.source import Source, open_text, stem
from kobert_pipeline.records import Document, Drop


def read(address: str, settings: SourceConfig) -> Iterator[Document | Drop]:
    prefix = stem(address)
    number = 0
    lines: list[str] = []
    with open_text(address) as stream:
        for line in stream:
            if line.strip():
                lines.append(line)
            elif lines:
                yield Document(f"{prefix}-{number:06d}", settings.name, "".join(lines))
                number, lines = number + 1, []
    if lines:
        yield Document(f"{prefix}-{number:06d}", settings.name, "".join(lines))


SOURCE = Source("text", (".txt",), read)
