"""What a stage is known by. Each stage declares its `SPEC` once, in the `config.py` of its package."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.ground.artifacts import Identity


@dataclass(frozen=True)
class StageSpec:
    name: str
    version: int
    """Raised when the same inputs and settings give another output; a golden test watches it."""
    libraries: tuple[str, ...]
    """Distributions whose version may change the output."""

    def library_versions(self) -> dict[str, str]:
        """Distribution -> installed version, or `missing`."""
        return {name: installed_version(name) for name in self.libraries}

    def identity(self, config: Mapping[str, Any], inputs: Mapping[str, str], seed: int = 0) -> Identity:
        """What decides the content of an artifact of this stage, with the libraries that are installed."""
        return Identity(self.name, self.version, dict(config), dict(inputs), seed, self.library_versions())


def installed_version(distribution: str) -> str:
    """`missing` for a distribution that is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
