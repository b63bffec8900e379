"""`tests/bench/gpu.py` as a machine with a GPU runs it, with tiny numbers on a CPU, and without the packages that such a machine
lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GPU = Path(__file__).parent / "bench" / "gpu.py"
ROOT = GPU.parent.parent.parent
MISSING = (
    "MeCab",
    "datasets",
    "defusedxml",
    "ftfy",
    "jmespath",
    "kss",
    "mwparserfromhell",
    "rensa",
    "selectolax",
    "stdnum",
)
"""What of our dependencies is not on the machine of the proof."""

BLOCK = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def gpu(folder: Path, *arguments: str, path: str = "") -> str:
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), path])), "KOBERT_KLUE": ""}
    command = [sys.executable, str(GPU), *arguments]
    run = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.system
def test_the_proof_runs_with_what_the_machine_has(tmp_path: Path) -> None:
    gpu(tmp_path, "pack", "bundle.tar.xz", "--recipe", "quickstart")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(BLOCK)
    gpu(
        tmp_path,
        "run",
        "bundle.tar.xz",
        "--seconds",
        "400",
        "--tiny",
        "--rows",
        "varlen",
        "--out",
        "out",
        path=str(tmp_path / "path"),
    )

    figures = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert {"card", "torch", "transformers"} <= set(figures["machine"])
    compared = {(row["system"], row["attention"]): row for row in figures["agreement"]}
    for system in ("bert-mini", "modernbert-mini"):
        for attention in ("eager", "sdpa", "varlen"):
            assert compared[system, attention]["hidden states"] < 0.01
            assert compared[system, attention]["gradient"] < 0.01
    assert len(figures["speed"]) >= 5
    assert all(row["tokens/s"] > 0 and row["MFU"] > 0 for row in figures["speed"])
    (run,) = figures["run"]
    assert run["loss"] < run["loss at first"]
    assert [row["task"] for row in figures["scores"]] == ["ynat", "sts", "nli"]
    page = (tmp_path / "out" / "gpu.md").read_text()
    assert "## speed" in page
    assert "## scores" in page
