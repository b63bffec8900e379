"""What each recipe last used: `<artifacts>/recipes/<name>.json`, stage -> folder.

`status` explains changes by it, and `clean` keeps what it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.files import read_json, write_json

FOLDER = "recipes"
BEGUN = "begun"
"""Key of the artifact that the last run began and did not finish. No stage has this name."""


@dataclass(frozen=True)
class Pointer:
    """The record of one recipe in the artifacts folder `root`."""

    root: Path
    recipe: str

    @property
    def path(self) -> Path:
        return self.root / FOLDER / f"{self.recipe}.json"

    def finished(self) -> dict[str, Path]:
        """Stage -> the artifact that the recipe last used. Empty for a recipe that never ran."""
        return {stage: folder for stage, folder in self._read().items() if stage != BEGUN}

    def begun(self) -> Path | None:
        """The artifact that the last run began and did not finish, as it will be named when it is finished."""
        return self._read().get(BEGUN)

    def remember(self, folders: Mapping[str, Path]) -> None:
        """Records finished artifacts; those of other stages stay as they were."""
        self._write(self.finished() | dict(folders))

    def remember_begun(self, folder: Path) -> None:
        """Records, before a stage is built, the artifact that it will make."""
        self._write(self.finished() | {BEGUN: folder})

    def _read(self) -> dict[str, Path]:
        try:
            return {stage: self.root / folder for stage, folder in read_json(self.path).items()}
        except FileNotFoundError:
            return {}

    def _write(self, folders: Mapping[str, Path]) -> None:
        write_json(self.path, {stage: folder.relative_to(self.root).as_posix() for stage, folder in folders.items()})


def pointers(root: Path) -> Iterator[Pointer]:
    """The records of all recipes that ran, by name."""
    for path in sorted((root / FOLDER).glob("*.json")):
        yield Pointer(root, path.stem)
