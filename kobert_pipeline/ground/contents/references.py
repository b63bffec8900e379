"""Which artifacts an artifact needs: those that its manifest names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest

FOLDER_NAME = re.compile(r"[0-9a-f]{16}")
"""Name of an artifact's folder: the first digits of its fingerprint."""
_HASH = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")


def referenced(manifest: Manifest) -> frozenset[str]:
    """Names of folders. They come from fingerprints among the inputs and from names in the summary: an evaluation lists the
    fine-tuning runs that it averages. A sha256 of an input file is in the result too, and matches no folder."""
    texts = (*manifest.inputs.values(), *_texts(manifest.summary))
    return frozenset(text[:16] for text in texts if _HASH.fullmatch(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
