"""What no recipe reaches in an artifacts folder, and how to delete it.

Kept are the artifacts that a recipe last used (`recipes/<name>.json`), the one that its last run began, results of
`kobert eval`, whatever these name in their manifests, and every artifact that a running process writes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kobert_pipeline.ground.artifacts import (
    HEADER,
    MANIFEST,
    PARTIAL,
    is_complete,
    lock_path,
    partial_folder,
    read_manifest,
)
from kobert_pipeline.ground.contents.references import FOLDER_NAME, referenced
from kobert_pipeline.ground.errors import ArtifactMismatch, KobertError
from kobert_pipeline.ground.pointers import pointers
from kobert_pipeline.stages import STAGE_NAMES

EVALUATED = "model"
"""An input that only an evaluation of `kobert eval` has."""
EVALUATION = "klue_eval"


@dataclass(frozen=True)
class Leftover:
    """An artifact's folder that nothing reaches."""

    folder: Path
    bytes: int

    @property
    def is_partial(self) -> bool:
        return self.folder.suffix == PARTIAL


def leftovers(root: Path, *, evaluations: bool = False) -> list[Leftover]:
    """The folders in the artifacts folder `root` that nothing reaches, by stage and name.

    `evaluations` also counts results of `kobert eval`, and the runs that they average, as not reached.
    """
    kept = _reached(root, evaluations)
    unreached = [folder for folder in _folders(root) if _finished_name(folder) not in kept]
    return [Leftover(folder, _size(folder)) for folder in unreached if not _is_locked(folder)]


def delete(root: Path, leftover: Leftover) -> bool:
    """Deletes one of the `leftovers` of `root`, under its lock. Returns False, and deletes nothing, if a process writes it.

    Raises KobertError for a folder that is not an artifact in `root`.
    """
    folder = leftover.folder
    if folder not in set(_folders(root)):
        raise KobertError("{folder}: not an artifact in {root}. Nothing was deleted.", folder=folder, root=root)
    lock = lock_path(_finished(folder))
    try:
        with FileLock(lock).acquire(timeout=0):
            shutil.rmtree(folder)
            if not any(other.exists() for other in (_finished(folder), partial_folder(_finished(folder)))):
                lock.unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def _reached(root: Path, evaluations: bool) -> frozenset[str]:
    """Names of the folders to keep, by following manifests from what recipes last used."""
    folders = {_finished_name(folder): _finished(folder) for folder in _folders(root)}
    waiting = [*_used(root), *(() if evaluations else _evaluated(root))]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in folders and name not in reached:
            reached.add(name)
            waiting.extend(_named_by(folders[name]))
    if _evaluates(root, reached):
        reached |= {name for name, folder in folders.items() if folder.parent.name not in STAGE_NAMES}
    return frozenset(reached)


def _used(root: Path) -> Iterator[str]:
    """What recipes last used or began."""
    for pointer in pointers(root):
        begun = pointer.begun()
        yield from (folder.name for folder in (*pointer.finished().values(), *([begun] if begun else [])))


def _evaluated(root: Path) -> Iterator[str]:
    """Results of `kobert eval`, which belong to no recipe."""
    for folder in _folders(root):
        if folder.parent.name == EVALUATION and is_complete(folder):
            with contextlib.suppress(ArtifactMismatch):
                if EVALUATED in read_manifest(folder).inputs:
                    yield folder.name


def _named_by(folder: Path) -> frozenset[str]:
    """What a finished artifact names. Empty for one that is not finished or has a damaged manifest."""
    if not is_complete(folder):
        return frozenset()
    try:
        return referenced(read_manifest(folder))
    except ArtifactMismatch:
        return frozenset()


def _evaluates(root: Path, reached: set[str]) -> bool:
    """Whether an evaluation is running, or was begun and will go on: it needs finished runs that no manifest names yet."""
    partial = [folder for folder in _folders(root) if folder.parent.name == EVALUATION and folder.suffix == PARTIAL]
    return any(_finished_name(folder) in reached or _is_locked(folder) for folder in partial)


def _folders(root: Path) -> Iterator[Path]:
    """The folders of artifacts, finished or not. Links are not followed: what is deleted is always inside `root`."""
    for stage in sorted(root.iterdir()) if root.is_dir() else ():
        if stage.is_dir() and not stage.is_symlink():
            yield from (folder for folder in sorted(stage.iterdir()) if _is_artifact(folder))


def _is_artifact(folder: Path) -> bool:
    named = FOLDER_NAME.fullmatch(_finished_name(folder)) is not None
    marked = any((folder / name).is_file() for name in (MANIFEST, HEADER)) or folder.suffix == PARTIAL
    return named and marked and folder.is_dir() and not folder.is_symlink()


def _finished_name(folder: Path) -> str:
    return folder.name.removesuffix(PARTIAL)


def _finished(folder: Path) -> Path:
    """The name that a folder has, or will have, when its artifact is finished."""
    return folder.with_name(_finished_name(folder))


def _is_locked(folder: Path) -> bool:
    lock = lock_path(_finished(folder))
    if not lock.exists():
        return False
    try:
        with FileLock(lock).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() or path.is_symlink())
