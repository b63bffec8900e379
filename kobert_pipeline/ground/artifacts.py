"""Artifacts: how stages meet on disk.

A stage fills `<root>/<stage>/<fingerprint[:16]>.partial/` under a lock. Every file is written to a temporary name, synced
and renamed; the manifest is written last and the folder renamed. A folder without `.partial` is complete: that is the
whole protocol. A manifest holds only what follows from content. Times and machines go to `run.json`. What a stage keeps under
`run/` (logs, timings) is neither hashed nor published.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from kobert_pipeline.ground.errors import ArtifactMismatch, InputError, KobertError
from kobert_pipeline.ground.files import AGAIN, TEMPORARY, file_sha256, read_cache, read_object, write_json
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
RUN = "run.json"
HEADER = "header.json"
RUN_FOLDER = "run"
PARTIAL = ".partial"


@dataclass(frozen=True)
class FileEntry:
    size: int
    """Bytes."""
    sha256: str
    records: int | None = None
    """Documents, sentences or rows; None if the stage did not count them."""


@dataclass(frozen=True)
class Manifest:
    """What a finished artifact contains and what it was made from. Equal content gives equal bytes."""

    stage: str
    version: int
    fingerprint: str
    config: dict[str, Any]
    inputs: dict[str, str]
    """Name of each input -> its fingerprint or sha256."""
    seed: int
    libraries: dict[str, str]
    summary: dict[str, Any]
    """What the stage counted and measured. Only the readers in `ground/contents/` read it."""
    files: dict[str, FileEntry] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """Everything that decides an artifact's content; its hash is the fingerprint."""

    stage: str
    version: int
    config: dict[str, Any]
    inputs: dict[str, str]
    seed: int
    libraries: dict[str, str]

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(asdict(self))


def artifact_folder(root: Path, identity: Identity) -> Path:
    return root / identity.stage / identity.fingerprint[:16]


def partial_folder(folder: Path) -> Path:
    """Where a stage works until the artifact `folder` is complete."""
    return folder.with_name(f"{folder.name}{PARTIAL}")


def lock_path(folder: Path) -> Path:
    """The file that is locked while a process writes the artifact `folder`."""
    return folder.with_name(f"{folder.name}.lock")


def is_complete(folder: Path) -> bool:
    return folder.suffix != PARTIAL and (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Raises ArtifactMismatch when the folder is not a finished artifact."""
    try:
        raw = read_object(folder / MANIFEST)
        _require_kinds(raw, _KINDS)
        raw["files"] = {name: _entry(entry) for name, entry in raw["files"].items()}
        return Manifest(**raw)
    except InputError as error:
        raise ArtifactMismatch(str(error)) from None
    except (TypeError, KeyError) as error:
        raise ArtifactMismatch(
            "{folder}: no readable {manifest} ({error}). {advice}",
            folder=folder,
            manifest=MANIFEST,
            error=error,
            advice=say(AGAIN),
        ) from None


_KINDS = {
    "stage": str, "version": int, "fingerprint": str, "config": dict, "inputs": dict, "seed": int, "libraries": dict,
    "summary": dict, "files": dict,
}  # fmt: skip


def _require_kinds(values: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Raises KeyError or TypeError for a value that is missing or of another type."""
    for name, kind in kinds.items():
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} is a {type(values[name]).__name__}")


def _entry(value: Any) -> FileEntry:
    entry = FileEntry(**value)
    _require_kinds(vars(entry), {"size": int, "sha256": str})
    return entry


def require_files(folder: Path, manifest: Manifest) -> None:
    """Raises ArtifactMismatch for the first file that is missing or has another size than the manifest says."""
    for name in manifest.files:
        require_file(folder, manifest, name)


def require_file(folder: Path, manifest: Manifest, name: str) -> None:
    """Raises ArtifactMismatch if a file of the artifact is missing or has another size. Does not hash it."""
    path, size = folder / name, manifest.files[name].size
    if not path.is_file():
        problem = say("is missing")
    elif path.stat().st_size != size:
        problem = say("has {found:,} bytes, not the {size:,} that were written", found=path.stat().st_size, size=size)
    else:
        return
    raise ArtifactMismatch(
        "{path}: {problem}. Remove {folder} and run the {stage} stage again.",
        path=path,
        problem=problem,
        folder=folder,
        stage=manifest.stage,
    )


def require_content(folder: Path, manifest: Manifest, name: str) -> None:
    """Raises ArtifactMismatch if a file of the artifact is missing or has changed since it was written. Hashes it."""
    require_file(folder, manifest, name)
    if file_sha256(folder / name) != manifest.files[name].sha256:
        raise ArtifactMismatch(
            "{file}: changed since it was written. Remove {folder} and run the {stage} stage again.",
            file=folder / name,
            folder=folder,
            stage=manifest.stage,
        )


def verified(folder: Path, name: str) -> Path:
    """A file of a finished artifact. Raises ArtifactMismatch if it is missing or has changed."""
    manifest = read_manifest(folder)
    if name not in manifest.files:
        raise ArtifactMismatch(
            "{folder}: its {manifest} lists no {name}. {advice}",
            folder=folder,
            manifest=MANIFEST,
            name=name,
            advice=say(AGAIN),
        )
    require_content(folder, manifest, name)
    return folder / name


def verify(folder: Path) -> list[str]:
    """Hashes every file again. Returns one line per file that differs from the manifest."""
    problems = []
    for name, entry in read_manifest(folder).files.items():
        path = folder / name
        if not path.is_file():
            problems.append(say("{name}: missing", name=name))
        elif path.stat().st_size != entry.size:
            size = path.stat().st_size
            problems.append(
                say("{name}: {found:,} bytes, the manifest says {size:,}", name=name, found=size, size=entry.size)
            )
        elif file_sha256(path) != entry.sha256:
            problems.append(say("{name}: content changed since it was written", name=name))
    return problems


class Workspace:
    """The folder that a stage is filling. Use as a context manager; `finish` makes the artifact complete.

    Files that are in the folder when it is opened are finished: an earlier run of the same fingerprint wrote them.
    """

    def __init__(self, root: Path, identity: Identity, *, wait: bool = False) -> None:
        """With `wait`, it is opened when the process that writes this artifact ends. It may then be complete."""
        self.wait = wait
        self.identity = identity
        self.folder = artifact_folder(root, identity)
        self.path = partial_folder(self.folder)
        self.records: dict[str, int] = {}
        self._lock = FileLock(lock_path(self.folder))

    def __enter__(self) -> Self:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            if not self.wait:
                raise KobertError(
                    "{path}: another process is writing this artifact. Wait for it, or stop it.", path=self.path
                ) from None
            logger.info("waiting for another process, which is writing %s", self.folder)
            self._lock.acquire()
        if self.wait and is_complete(self.folder):
            return self
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _open(self) -> None:
        self.path.mkdir(exist_ok=True)
        header = self.path / HEADER
        if header.exists():
            self._require_own(header)
        else:
            write_json(header, {"fingerprint": self.identity.fingerprint})
        for leftover in self.path.rglob(f"*{TEMPORARY}"):
            leftover.unlink()

    def _require_own(self, header: Path) -> None:
        """Raises ArtifactMismatch for a folder of another fingerprint. A damaged header is written again: the folder's name has
        the first digits of the fingerprint, and what is in the folder may be days of work."""
        begun = read_cache(header)
        if begun is None:
            write_json(header, {"fingerprint": self.identity.fingerprint})
        elif (fingerprint := begun.get("fingerprint")) != self.identity.fingerprint:
            raise ArtifactMismatch(
                "{path}: begun for fingerprint {fingerprint}. Remove the folder and run again.",
                path=self.path,
                fingerprint=str(fingerprint)[:16],
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    @property
    def begun(self) -> bool:
        """Whether a process has opened it and not finished it."""
        return (self.path / HEADER).is_file()

    @property
    def run_folder(self) -> Path:
        """For logs and timings: kept with the artifact, never hashed, never published."""
        folder = self.path / RUN_FOLDER
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self, name: str) -> None:
        """Deletes an intermediate file or folder before the artifact is finished."""
        path = self.path / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def finish(self, summary: Mapping[str, Any], run: Mapping[str, Any]) -> Path:
        """Writes `run.json`, then the manifest, then renames the folder. Returns the finished folder."""
        manifest = Manifest(
            **asdict(self.identity), fingerprint=self.identity.fingerprint, summary=dict(summary), files=self._entries()
        )
        write_json(self.path / RUN, dict(run))
        (self.path / HEADER).unlink()
        write_json(self.path / MANIFEST, asdict(manifest))
        self.path.replace(self.folder)
        return self.folder

    def _entries(self) -> dict[str, FileEntry]:
        entries = {}
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and name not in (HEADER, RUN, MANIFEST) and not name.startswith(f"{RUN_FOLDER}/"):
                entries[name] = FileEntry(path.stat().st_size, file_sha256(path), self.records.get(name))
        return entries
