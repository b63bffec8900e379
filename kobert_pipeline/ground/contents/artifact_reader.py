"""What every reader of an artifact has: its identity, its files and a typed summary."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from kobert_pipeline.ground.artifacts import Manifest, read_manifest, require_content, require_files
from kobert_pipeline.ground.contents.cost import Cost, read_cost
from kobert_pipeline.ground.errors import ArtifactMismatch

Summary = TypeVar("Summary")
Parsed = TypeVar("Parsed")


class ArtifactReader(Generic[Summary]):
    """A finished artifact.

    Opening it compares the names and sizes of its files with the manifest; `file` and `require_content` hash what is read. Raises ArtifactMismatch for a
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

    @classmethod
    def at(cls, folder: Path) -> Self:
        """The reader of a folder, which may have come with its manifest alone, without any other file."""
        manifest = read_manifest(folder)
        came_alone = not any((folder / name).is_file() for name in manifest.files)
        return cls.of(manifest, folder) if came_alone else cls(folder)

    def _describe(self, folder: Path, manifest: Manifest) -> None:
        if manifest.stage != self.stage:
            raise ArtifactMismatch(
                "{folder}: an artifact of the stage {stage}, not of {expected}.",
                folder=folder,
                stage=manifest.stage,
                expected=self.stage,
            )
        self.folder, self.manifest = folder, manifest
        self._hashed: set[str] = set()

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
            "{place}: the summary of its manifest is not what {expected} writes: {figure}: {problem}. Remove the folder and run the recipe again.",
            place=self.folder,
            expected=self.stage,
            figure=figure,
            problem=wrong["msg"],
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
        """Path of a file that not every artifact has. None if it is missing. Raises ArtifactMismatch if it has changed."""
        path = self.folder / name
        if not path.is_file():
            return None
        self.require_content(name)
        return path

    def require_content(self, under: str = "") -> Self:
        """Hashes the files whose path begins with `under`, each once. Raises ArtifactMismatch for one that is missing or has
        changed."""
        for name in self.manifest.files:
            if name.startswith(under) and name not in self._hashed:
                require_content(self.folder, self.manifest, name)
                self._hashed.add(name)
        return self


def parsed(adapter: TypeAdapter[Parsed], value: object) -> Parsed:
    """JSON values -> frozen dataclasses. Raises ValidationError for a key that is missing or has another type."""
    return adapter.validate_python(value)


def library_versions(artifacts: Mapping[str, ArtifactReader[Any]]) -> dict[str, str]:
    """Every library that a stage lists, sorted by name."""
    versions = {name: version for reader in artifacts.values() for name, version in reader.libraries.items()}
    return dict(sorted(versions.items()))
