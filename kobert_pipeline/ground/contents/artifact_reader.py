"""What every reader of an artifact has: its identity, its files and a typed summary."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from kobert_pipeline.ground.artifacts import Manifest, read_manifest, require_files
from kobert_pipeline.ground.contents.cost import Cost, read_cost
from kobert_pipeline.ground.errors import ArtifactMismatch

Summary = TypeVar("Summary")
Parsed = TypeVar("Parsed")


class ArtifactReader(Generic[Summary]):
    """A finished artifact.

    Opening it compares the names and sizes of its files with the manifest; nothing is hashed. Raises ArtifactMismatch for a
    folder that is not a finished artifact of this stage, and for a file that is missing or has another size.
    """

    stage: ClassVar[str]
    """Name of the stage that writes the artifact."""

    def __init__(self, folder: Path) -> None:
        self._describe(folder, read_manifest(folder))
        require_files(folder, self.manifest)

    @classmethod
    def of(cls, manifest: Manifest, folder: Path = Path()) -> Self:
        """The reader of a manifest. It does not look at the files, which may be missing in `folder`."""
        reader = cls.__new__(cls)
        reader._describe(folder, manifest)
        return reader

    def _describe(self, folder: Path, manifest: Manifest) -> None:
        if manifest.stage != self.stage:
            raise ArtifactMismatch(f"{folder}: an artifact of the stage {manifest.stage}, not of {self.stage}.")
        self.folder, self.manifest = folder, manifest

    @functools.cached_property
    def summary(self) -> Summary:
        """What the stage counted and measured. Raises ArtifactMismatch when the manifest lacks a figure."""
        try:
            return self._parse(self.manifest.summary)
        except ValidationError as error:
            raise self._mismatch(error) from None

    def _parse(self, summary: Mapping[str, Any]) -> Summary:
        raise NotImplementedError

    def _mismatch(self, error: ValidationError) -> ArtifactMismatch:
        wrong = error.errors()[0]
        figure = ".".join(str(part) for part in wrong["loc"])
        return ArtifactMismatch(
            f"{self.folder}: the summary of its manifest is not what {self.stage} writes: {figure}: {wrong['msg']}. "
            "Remove the folder and run the recipe again."
        )

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    @property
    def version(self) -> int:
        return self.manifest.version

    @property
    def seed(self) -> int:
        return self.manifest.seed

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings that decided the content."""
        return self.manifest.config

    @property
    def inputs(self) -> Mapping[str, str]:
        """Name of each input -> its fingerprint, sha256 or commit."""
        return self.manifest.inputs

    @property
    def libraries(self) -> Mapping[str, str]:
        """Distribution -> the version that made the artifact."""
        return self.manifest.libraries

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(entry.size for entry in self.manifest.files.values())

    @property
    def cost(self) -> Cost | None:
        """What the run took that finished the artifact. None if it kept no record."""
        return read_cost(self.folder)

    def file(self, name: str) -> Path | None:
        """Path of a file that not every artifact has. None if it is missing."""
        path = self.folder / name
        return path if path.is_file() else None


def parsed(adapter: TypeAdapter[Parsed], value: object) -> Parsed:
    """JSON values -> frozen dataclasses. Raises ValidationError for a key that is missing or has another type."""
    return adapter.validate_python(value)


def library_versions(artifacts: Mapping[str, ArtifactReader[Any]]) -> dict[str, str]:
    """Every library that a stage lists, sorted by name."""
    versions = {name: version for reader in artifacts.values() for name, version in reader.libraries.items()}
    return dict(sorted(versions.items()))
