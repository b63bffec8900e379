"""Runs `load_back.py` in a new process: on a folder, offline, or on the Hub, with an empty cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.files import read_object
from kobert_pipeline.ground.messages import say
from kobert_pipeline.hub import load_back
from kobert_pipeline.hub.bundle import Bundle
from kobert_pipeline.hub.publishable import TOKENIZER_CODE
from kobert_pipeline.hub.push import Published
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from kobert_pipeline.uses.use import Use

QUIET = {
    "PYTHONIOENCODING": "utf-8",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


def check_folder(folder: Path, use: Use, *, tokenizer: Path | None = None, export: Path | None = None) -> None:
    """Checks a model's folder without the network. `tokenizer` is the artifact with the run's tokenizer.

    Raises KobertError when plain transformers cannot use the folder.
    """
    options = _options(use, tokenizer, export, cuts_at_use(folder))
    reason = _run(["model", str(folder.resolve()), *options], {"HF_HUB_OFFLINE": "1"})
    if reason:
        raise KobertError(
            "{folder}: plain transformers cannot use this folder: {reason}. Nothing was published; build the stage that made the file again.",
            folder=folder,
            reason=reason,
        )


def check_published(bundle: Bundle, published: Published, *, token: str) -> None:
    """Checks what the Hub gives to somebody with an empty cache. Raises KobertError when it is not what was sent.

    The process gets the token, which a private repository needs, through its environment.
    """
    options = _options(bundle.use, bundle.tokenizer, bundle.export, TOKENIZER_CODE in bundle.files)
    arguments = [bundle.kind, published.repo, "--revision", published.commit, *options]
    if bundle.documents is not None:
        arguments += ["--documents", str(bundle.documents)]
    with tempfile.TemporaryDirectory(prefix="kobert-load-back-") as cache:
        places = {name: f"{cache}/{name.lower()}" for name in ("HF_HUB_CACHE", "HF_XET_CACHE", "HF_DATASETS_CACHE")}
        reason = _run(arguments, places | {"HF_HUB_OFFLINE": "0", "HF_TOKEN": token})
    if reason:
        raise KobertError(
            "{repo} was published (commit {commit}), but loading it back failed: {reason}. Run the same command to check again; delete the repository if it stays wrong.",
            repo=published.repo,
            commit=published.commit[:8],
            reason=reason,
        )


def _options(use: Use | None, tokenizer: Path | None, export: Path | None, trust: bool) -> list[str]:
    named = [("--tokenizer", tokenizer), ("--export", export), ("--check", use.check_back if use else None)]
    found = [
        part for option, path in named if path is not None and path.exists() for part in (option, str(path.resolve()))
    ]
    config = read_object(export / "config.json") if export is not None else {}
    if use is not None:
        found += ["--auto-class", use.class_for(str(config.get("model_type")))]
    elif classes := config.get("architectures"):
        found += ["--auto-class", str(classes[0])]
    return [*found, "--trust"] if trust else found


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    """Empty, or what failed. The process starts in an empty folder, where no folder has the name of the repository."""
    program = [sys.executable, "-P", str(Path(load_back.__file__).resolve()), *arguments]
    with tempfile.TemporaryDirectory(prefix="kobert-load-back-") as empty:
        known = os.environ | QUIET | {"HF_MODULES_CACHE": f"{empty}/modules"} | environment
        done = subprocess.run(
            program, cwd=empty, env=known, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    if done.returncode == 0:
        return ""
    return (
        reason_in(done.stdout)
        or (done.stderr.strip() or say("exit code {code}", code=done.returncode)).splitlines()[-1]
    )


def reason_in(output: str) -> str:
    """What `load_back.py` wrote, in the user's language; empty where it was ended before that."""
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1])
        return say(found["message"], **found["values"])
    except (IndexError, ValueError, TypeError, KeyError):
        return ""
