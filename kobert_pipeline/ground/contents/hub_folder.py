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
class HubSummary:
    files: dict[str, int]
    """Name in the repository -> bytes."""
    load_back: str
    """`ok` if plain transformers gave the results of the exported model."""


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
