"""Which version of this project runs, and from which commit."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import subprocess
from pathlib import Path

from kobert_pipeline import __version__

CHECKOUT = Path(__file__).parents[2]
DISTRIBUTION = "kobert-pipeline"
DIGITS = 10


@functools.cache
def made_with() -> str:
    """`kobert-pipeline 0.1.0, commit 7dab7fa91c`; `-dirty` follows the commit if files were changed since. No commit where none is
    known, as for a package of an index."""
    commit = _of_checkout() or _of_installation()
    return f"{DISTRIBUTION} {__version__}" + (f", commit {commit}" if commit else "")


def _of_checkout() -> str:
    """Empty outside a checkout of git, and without git."""
    if not (CHECKOUT / ".git").exists():
        return ""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--exclude=*", f"--abbrev={DIGITS}"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def _of_installation() -> str:
    """The commit that pip installed from a repository (PEP 610); empty if it did not."""
    try:
        record = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return ""
    commit = json.loads(record or "{}").get("vcs_info", {}).get("commit_id", "")
    return str(commit)[:DIGITS]
