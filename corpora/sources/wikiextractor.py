"""Output of wikiextractor: `<doc id="…" url="…" title="…">` … `</doc>`, or one object per line (`--json`)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, numbered
from kobert_pipeline.ground.messages import say

_DOC = re.compile(r'<doc id="([^"]*)"[^<>]*? title="(.*)">\s*$')
_ARTICLE_FIELDS = ("id", "title", "text")


class _Article:
    """The article that is being read; `lines` is None after it exceeded the limit."""

    def __init__(self, doc_id: str, title: str, place: str) -> None:
        self.doc_id, self.title, self.place = doc_id, title, place
        self.lines: list[str] | None = []
        self._size = 0

    def add(self, line: str, limit: int) -> None:
        """Adds a line."""
        self._size += len(line.encode(errors="replace"))
        if self._size > limit:
            self.lines = None
        if self.lines is not None:
            self.lines.append(line)

    def document(self, settings: SourceConfig) -> Document | Drop:
        """Makes the document. The first line repeats the title, which is not a sentence of the article."""
        if self.lines is None:
            return Drop("too_large", self.place)
        lines = self.lines[1:] if self.lines and html.unescape(self.lines[0].strip()) == self.title else self.lines
        return Document(self.doc_id, settings.name, "".join(lines).strip("\n"), self.title)


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads articles. One that is not closed is dropped. Raises Damaged if the file does not begin with an article."""
    article: _Article | None = None
    number = 0
    for item in raw.lines(settings):
        if isinstance(item, Drop):
            yield item
            continue
        line_number, line = item
        place = f"{raw.place}:{line_number}"
        if begins := _DOC.match(line):
            if article is not None:
                yield Drop("unclosed_document", article.place)
            article = _Article(begins[1] or numbered(raw, number), html.unescape(begins[2]), place)
            number += 1
        elif article is None:
            if outside := _outside(line, place, number, raw, settings):
                yield outside
                number += 1
        elif line.strip() == "</doc>":
            yield article.document(settings)
            article = None
        else:
            article.add(line, settings.max_document_bytes)
    if article is not None:
        yield Drop("unclosed_document", article.place)


def _outside(line: str, place: str, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop | None:
    """A line of `--json` output, or one that belongs to no article."""
    if not line.strip():
        return None
    if line.lstrip().startswith("{"):
        return _json_article(line, place, number, raw, settings)
    if number == 0:
        raise Damaged(say("not an output of wikiextractor: it begins with neither `<doc id=` nor a JSON object"))
    return Drop("outside_document", place)


def _json_article(line: str, place: str, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    try:
        row = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return Drop("unreadable_line", place)
    doc_id, title, text = (row.get(field) for field in _ARTICLE_FIELDS)
    if not isinstance(text, str):
        return Drop("no_text", place)
    return Document(str(doc_id or numbered(raw, number)), settings.name, text, str(title or ""))


SOURCE = Source("wikiextractor", (), read, names=re.compile(r"(?:^|/)wiki_\d+$"))
