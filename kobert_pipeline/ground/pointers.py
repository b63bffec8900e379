"""What each run last used: `<artifacts>/recipes/<name>.json`, stage -> folder.

A run is named by its recipe, and by a tag if it has one: `bert-mini:wide`, in files `bert-mini@wide`. A run with settings of its own
(`--set`) and without a tag has a tag made of them, so that no run writes over the record or the page of another.
`status` explains changes by it, and `clean` keeps what it names.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.artifacts import is_complete
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import damaged, json_text, read_object, write_json

logger = logging.getLogger(__name__)

FOLDER = "recipes"
BEGUN = "begun"
"""Key of the artifact that the last run began and did not finish. No stage has this name."""
REMEDY = "Run the recipe again, which writes it anew, or remove the file."


def run_name(recipe: str, tag: str) -> str:
    return f"{recipe}:{tag}" if tag else recipe


def split_name(run: str) -> tuple[str, str]:
    """The recipe and the tag, which is empty if there is none."""
    recipe, _, tag = run.partition(":")
    return recipe, tag


def file_stem(run: str) -> str:
    """The name of a run in the names of files: not every system allows a colon."""
    return run.replace(":", "@")


@dataclass(frozen=True)
class Pointer:
    """The record of one run in the artifacts folder `root`."""

    root: Path
    run: str

    @property
    def path(self) -> Path:
        return self.root / FOLDER / f"{file_stem(self.run)}.json"

    def finished(self) -> dict[str, Path]:
        """Stage -> the artifact that the recipe last used. Empty for a recipe that never ran."""
        return {stage: folder for stage, folder in self._read().items() if stage != BEGUN}

    def begun(self) -> Path | None:
        """The artifact that the last run began and did not finish, as it will be named when it is finished."""
        return self._read().get(BEGUN)

    def remember(self, folders: Mapping[str, Path]) -> None:
        """Records finished artifacts; those of other stages stay as they were."""
        self._write(self.last() | dict(folders))

    def remember_begun(self, folder: Path) -> None:
        """Records, before a stage is built, the artifact that it will make."""
        self._write(self.last() | {BEGUN: folder})

    def last(self) -> dict[str, Path]:
        """Like `finished`, for those who go on without it: a damaged record is empty, with a warning."""
        try:
            return self.finished()
        except InputError as error:
            logger.warning("%s", error)
            return {}

    def _read(self) -> dict[str, Path]:
        """Raises InputError for a damaged record: who deletes what no recipe names must not take it for an empty one."""
        if not self.path.is_file():
            return {}
        record = read_object(self.path, REMEDY)
        if not all(isinstance(folder, str) for folder in record.values()):
            raise damaged(self.path, REMEDY)
        return {stage: self.root / folder for stage, folder in record.items()}

    def _write(self, folders: Mapping[str, Path]) -> None:
        """Not if nothing changes: `kobert run` of finished stages works on a disk that can only be read."""
        record = {stage: folder.relative_to(self.root).as_posix() for stage, folder in folders.items()}
        if not self.path.is_file() or self.path.read_bytes() != json_text(record).encode():
            write_json(self.path, record)


def pointers(root: Path) -> Iterator[Pointer]:
    """The records of all runs, by name."""
    for path in sorted((root / FOLDER).glob("*.json")):
        yield Pointer(root, path.stem.replace("@", ":"))


def record_of(name: str, root: Path) -> Pointer:
    """The record of a run. A recipe that ran only with tags or settings of its own has that of the newest of these runs."""
    record = Pointer(root, name)
    others = [other for other in pointers(root) if split_name(other.run)[0] == name]
    if record.path.is_file() or not others:
        return record
    return max(others, key=lambda other: (other.path.stat().st_mtime, other.run))


def last_artifact(root: Path, name: str, stage: str) -> Path | None:
    """What the run or recipe `name` last used of this stage; None if it is not there."""
    folder = record_of(name, root).finished().get(stage)
    return folder if folder is not None and is_complete(folder) else None
