"""Fingerprints: one sha256 over everything that decides what a stage makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(value: Any) -> str:
    """Writes a value in exactly one way: sorted keys, no spaces, Korean unescaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """sha256 of `parts`, 64 hex digits."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
