"""An environment with an older transformers, next to this one: its packages go before ours on the path, torch is shared."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def packages(folder: Path, version: str) -> Path:
    """The folder of the packages, which pip fills once. Skips the test where it cannot."""
    done = folder / f"transformers-{version}"
    if done.is_dir():
        return done
    new = done.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    wanted = [f"transformers=={version}", "tokenizers<0.23"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts", "--target", str(new), *wanted]
    made = subprocess.run(pip, capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        pytest.skip(f"pip cannot install transformers {version} here: {made.stderr.strip().splitlines()[-1:]}")
    new.rename(done)
    return done
