"""Fingerprints: one sha256 for everything that decides what a stage makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(value: Any) -> str:
    """One spelling per value: sorted keys, no spaces, Korean as itself."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """sha256 (64 hex digits) of what decides a stage's content."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
