"""The folder to publish: what the hub stage gathered and loaded back."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed

PUBLISH = "publish"


@dataclass(frozen=True)
class OnnxFile:
    name: str
    """In the repository."""
    size: int
    """Bytes."""
    difference: float | None
    """From torch: the largest of any output, relative to the largest output if that is above 1. None for int8."""
    agreement: float | None
    """How alike the best answers of int8 are to torch's, from 0 to 1. None for full precision."""


@dataclass(frozen=True)
class OnnxFiles:
    files: tuple[OnnxFile, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    longest: int
    """Tokens that the model takes."""


@dataclass(frozen=True)
class HubSummary:
    files: dict[str, int]
    """Name in the repository -> bytes."""
    load_back: str
    """`ok` if plain transformers gave the results of the exported model."""
    onnx: OnnxFiles | None = None
    """None if the recipe asks for none."""


@functools.cache
def _summary() -> TypeAdapter[HubSummary]:
    return TypeAdapter(HubSummary)


class HubFolder(ArtifactReader[HubSummary]):
    """`publish/`, as it is sent to the Hub."""

    stage = "hub"

    def _parse(self, summary: Mapping[str, Any]) -> HubSummary:
        return parsed(_summary(), summary)

    @property
    def publish(self) -> Path:
        return self.folder / PUBLISH
