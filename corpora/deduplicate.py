"""Exact duplicates: documents whose text is the same, spaces aside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_SPACE = re.compile(r"\s+")
DIGEST_BYTES = 16


def digest(text: str) -> bytes:
    """16 bytes that equal texts share, however they are spaced."""
    return hashlib.blake2b(_SPACE.sub("", text).encode(), digest_size=DIGEST_BYTES).digest()


def first_occurrences(digests: Iterable[bytes]) -> list[bool]:
    """True where a digest occurs for the first time. Memory: one digest a distinct document."""
    seen: set[bytes] = set()
    first = []
    for value in digests:
        first.append(value not in seen)
        seen.add(value)
    return first
