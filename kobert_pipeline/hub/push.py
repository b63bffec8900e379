"""What publishing would send: exactly which files, how large, where to. Nothing is sent from here."""

from __future__ import annotations

import glob
import shlex
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.errors import InputError
from kobert_pipeline.hub.files import CARD, is_publishable

CARD_LINES = 12


@dataclass(frozen=True)
class UploadFile:
    name: str
    """Relative to the folder, with forward slashes."""
    bytes: int


def upload_list(folder: Path) -> list[UploadFile]:
    """The files of `folder` that may be sent, by name. Every other file stays: see `left_behind`."""
    return [UploadFile(name, path.stat().st_size) for name, path in _files(folder).items() if _may_go(name, path)]


def left_behind(folder: Path) -> list[str]:
    """Files of `folder` that are never sent: names that the hub stage does not write, and links."""
    return [name for name, path in _files(folder).items() if not _may_go(name, path)]


def describe(folder: Path, repo: str, private: bool) -> str:
    """A dry run in words: repository, files and sizes, the card's first lines, and the one command that would send them.

    Raises InputError for a folder without a model card or a repository name that the Hub would refuse.
    """
    _check_repo(repo)
    if not (folder / CARD).is_file():
        raise InputError(f"{folder}: no {CARD} here. Run the hub stage first.")
    files, others = upload_list(folder), left_behind(folder)
    total = sum(file.bytes for file in files)
    return "\n".join(
        [
            f"Dry run: nothing was sent. To {repo} ({'private' if private else 'public'} model repository) would go {len(files)} files, {total:,} bytes:",
            *(f"  {file.bytes:>15,}  {file.name}" for file in files),
            *(f"  {'not sent':>15}  {name}  (no file of the hub stage)" for name in others),
            "",
            f"{CARD} begins:",
            *(f"  {line}".rstrip() for line in _first_lines(folder / CARD)),
            "",
            "To send it:",
            f"  {upload_command(folder, repo, private, others)}",
        ]
    )


def upload_command(folder: Path, repo: str, private: bool, others: list[str]) -> str:
    """The `hf upload` command that sends the folder without `others`."""
    excluded = [part for name in others for part in ("--exclude", glob.escape(name))]
    return shlex.join(["hf", "upload", repo, str(folder), ".", "--private" if private else "--no-private", *excluded])


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _may_go(name: str, path: Path) -> bool:
    return is_publishable(name) and not path.is_symlink()


def _check_repo(repo: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, not re-exported for mypy

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InputError(f"--repo {repo}: {error}") from None
    if "/" not in repo:
        raise InputError(f"--repo {repo}: name the owner too, as in user/{repo}")


def _first_lines(card: Path) -> list[str]:
    return card.read_text(encoding="utf-8").splitlines()[:CARD_LINES]
