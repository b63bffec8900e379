"""Where a run began that did not begin from nothing: the checkpoint or tokenizer that its manifest lists among the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kobert_pipeline.ground.addresses import HUB


@dataclass(frozen=True)
class Origin:
    repo: str
    """Its name on the Hub; empty for a folder, whose name is not recorded."""
    file: str
    """A file of the folder; empty for a repository."""
    identity: str
    """The commit of the repository, or the sha256 of the file."""


def origin(inputs: Mapping[str, str], label: str) -> Origin | None:
    """`label`: the setting that names it, without its section. None if the run began from nothing.

    Of a folder's files, the last one in the alphabet is named: the weights, or the vocabulary.
    """
    names = sorted(name.removeprefix(f"{label} ") for name in inputs if name.startswith(f"{label} "))
    if not names:
        return None
    repo = names[-1].removeprefix(HUB).partition("@")[0] if names[-1].startswith(HUB) else ""
    return Origin(repo, "" if repo else names[-1], inputs[f"{label} {names[-1]}"])
