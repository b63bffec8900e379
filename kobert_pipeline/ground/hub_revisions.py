"""What a repository of the Hub has now: its commit and its files, asked in seconds and before any work. In offline mode, the
copy in the client's cache answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.hub_client import download
from kobert_pipeline.ground.messages import say

SECONDS = 15.0
"""How long the Hub may take for each of these answers."""
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Repository:
    """A repository as a setting names it."""

    name: str
    """`owner/name`."""
    revision: str = ""
    """A branch, a tag or a commit; empty for the newest."""
    kind: Literal["model", "dataset"] = "model"

    @classmethod
    def parse(cls, address: str, kind: Literal["model", "dataset"] = "model") -> Repository:
        """Reads `owner/name` and `owner/name@revision`."""
        name, _, revision = address.partition("@")
        return cls(name, revision, kind)

    @property
    def page(self) -> str:
        """Its address after `https://huggingface.co/`."""
        return f"datasets/{self.name}" if self.kind == "dataset" else self.name


def commit_of(repository: Repository, place: str, hint: str) -> str:
    """Returns the commit of a repository that may be read. Raises InputError, with `place` and `hint`, if there is none."""
    if is_offline():
        return _cached_commit(repository, place, hint)
    commit = _ask(repository, place, hint).sha
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise InputError("{place}: its answer names no commit. {hint}", place=place, hint=hint)
    return commit


def file_names(repository: Repository, place: str, hint: str) -> list[str]:
    """Returns the paths of the files at the revision; in offline mode, of those in the cache."""
    if is_offline():
        commit = _cached_commit(repository, place, hint)
        folder = _cache(repository) / "snapshots" / commit
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(file.rfilename for file in _ask(repository, place, hint).siblings or ())


def is_cached(repository: Repository) -> bool:
    """Whether the client's cache has a copy of it."""
    return bool(_cached_commits(repository))


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    return bool(constants.is_offline_mode())


def _ask(repository: Repository, place: str, hint: str) -> Any:
    """A repository that is gated shows its commit to everybody, and its files only to those who have access."""
    from huggingface_hub import HfApi

    def call() -> Any:
        api = HfApi()
        info = api.repo_info(
            repository.name, repo_type=repository.kind, revision=repository.revision or None, timeout=SECONDS
        )
        if getattr(info, "gated", False):
            api.auth_check(repository.name, repo_type=repository.kind)
        return info

    copies = _cached_commits(repository)
    offline = (
        say(" HF_HUB_OFFLINE=1 takes the copy in the cache ({commits}).", commits=", ".join(copies)) if copies else ""
    )
    return download(call, place, repository.page, hint, unreachable=offline)


def _cache_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _cache(repository: Repository) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return _cache_folder() / repo_folder_name(repo_id=repository.name, repo_type=repository.kind)


def _cached_commits(repository: Repository) -> list[str]:
    """The commits in the cache that the repository may mean: one, if it is known which; none of a name that no repository can have."""
    from huggingface_hub.errors import HFValidationError

    try:
        folder = _cache(repository)
    except HFValidationError:
        return []
    reference = folder / "refs" / (repository.revision or "main")
    if COMMIT.fullmatch(repository.revision):
        found = [repository.revision]
    elif reference.is_file():
        found = [reference.read_text(encoding="utf-8").strip()]
    else:
        found = [] if repository.revision else sorted(path.name for path in (folder / "snapshots").glob("*"))
    return [commit for commit in found if (folder / "snapshots" / commit).is_dir()]


def _cached_commit(repository: Repository, place: str, hint: str) -> str:
    copies = _cached_commits(repository)
    if len(copies) == 1:
        return copies[0]
    cache = _cache_folder()
    if copies:
        raise InputError(
            "{place}: HF_HUB_OFFLINE is set, and the cache {cache} has copies of several commits. Name one: {commits}. {hint}",
            place=place,
            cache=cache,
            commits=", ".join(f"@{commit}" for commit in copies),
            hint=hint,
        )
    raise InputError(
        "{place}: HF_HUB_OFFLINE is set, and the cache {cache} has no copy of it. Unset it to go online. {hint}",
        place=place,
        cache=cache,
        hint=hint,
    )
