"""모두의 말뭉치 (National Institute of Korean Language): written, spoken, messenger and newspaper corpora as JSON.

A file is `{"id": …, "metadata": …, "document": [{"id", "metadata": {"title"}, "paragraph" | "utterance": [{"form"}]}]}`.
`form`, not `original_form`, is read: it is the one with personal data replaced. A paragraph or an utterance is a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.json_elements import json_elements
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Source, numbered

_PARTS = ("paragraph", "utterance", "sentence")
_ANONYMOUS = re.compile(r"&([a-z]+(?:-[a-z]+)*)-?\d*&")
_PLACEHOLDERS = {
    "name": "[이름]", "address": "[주소]", "affiliation": "[소속]", "company-name": "[상호]", "company": "[상호]",
    "tel-num": "[전화번호]", "tel": "[전화번호]", "email": "[이메일]", "card-num": "[카드번호]",
    "account-num": "[계좌번호]", "account": "[계정]", "social-security-num": "[주민등록번호]",
}  # fmt: skip
_EVENT = re.compile(r" ?\{[a-z]+(?::[^{}\n]*)?\}")
_UNCLEAR = re.compile(r"\(\(([^()\n]*)\)\)")


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    for number, value in json_elements(raw.utf8(settings), "document", settings.max_document_bytes, raw.place):
        yield value if isinstance(value, Drop) else _document(value, number, raw, settings)


def _document(value: Any, number: int, raw: RawFile, settings: SourceConfig) -> Document | Drop:
    place = f"{raw.place}[{number}]"
    if not isinstance(value, Mapping):
        return Drop("not_an_object", place)
    lines = [line for part in _PARTS for line in _forms(value.get(part))]
    if not lines:
        return Drop("no_text", place)
    metadata = value.get("metadata")
    title = metadata.get("title") if isinstance(metadata, Mapping) else None
    return Document(str(value.get("id") or numbered(raw, number)), settings.name, "\n".join(lines), str(title or ""))


def _forms(parts: Any) -> Iterator[str]:
    for part in parts if isinstance(parts, list) else []:
        form = part.get("form") if isinstance(part, Mapping) else None
        if isinstance(form, str) and form.strip():
            yield form


def render(text: str) -> str:
    """Transcription marks as a reader would have them.

    `&name1&` becomes the placeholder `[이름]` (an unknown kind `[개인정보]`), `{laughing}` and `{share:photo}` go,
    of `((잘 안 들린 말))` the words stay. `x` for syllables that nobody could hear is left as it stands.
    """
    text = _ANONYMOUS.sub(lambda found: _PLACEHOLDERS.get(found[1], "[개인정보]"), text)
    return _UNCLEAR.sub(r"\1", _EVENT.sub("", text))


SOURCE = Source("modu", (), read, render, shared_suffixes=(".json",))
