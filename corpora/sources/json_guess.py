"""Which format a `.json` file is in, from its beginning."""

from __future__ import annotations

import json

from corpora.sources.raw_file import RawFile
from kobert_pipeline.ground.errors import InputError


def guess_json(raw: RawFile, source_name: str) -> str:
    """Gives `namuwiki`, `modu` or `jsonl`. Raises InputError for anything else: `ai_hub` must be named."""
    head = raw.head().removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"[") and all(name in head for name in (b'"namespace"', b'"title"', b'"text"')):
        return "namuwiki"
    if head.startswith(b"{") and b'"document"' in head and (b'"paragraph"' in head or b'"utterance"' in head):
        return "modu"
    if _has_lines_of_objects(head):
        return "jsonl"
    raise InputError(
        "{place}: the JSON format cannot be seen from its beginning. Set `format` of source `{source}`: `ai_hub` with a JMESPath expression as `text_field` for JSON of any shape, `modu`, `namuwiki`, or `jsonl` for one object per line.",
        place=raw.place,
        source=source_name,
    )


def _has_lines_of_objects(head: bytes) -> bool:
    first, _, rest = head.partition(b"\n")
    try:
        return isinstance(json.loads(first, strict=False), dict) and rest.lstrip().startswith(b"{")
    except (ValueError, RecursionError):
        return False
