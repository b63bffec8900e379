"""`tests/bench/gpu.py` and `sweep.py` as a machine with a GPU runs them, with tiny numbers on a CPU, and without the packages that
such a machine lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from bare_machine import BLOCK

from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run

GPU = Path(__file__).parent / "bench" / "gpu.py"
SWEEP = GPU.with_name("sweep.py")
ROOT = GPU.parent.parent.parent


def gpu(folder: Path, *arguments: str, path: str = "", script: Path = GPU) -> str:
    given = {
        **os.environ,
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), path])),
        "KOBERT_KLUE": "",
    }
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    (trained,) = figures["run"]
    assert trained["loss"] < trained["loss at first"]
    assert [row["task"] for row in figures["scores"]] == ["ynat", "sts", "nli"]
    page = (tmp_path / "out" / "gpu.md").read_text()
    assert "## speed" in page
    assert "## scores" in page


@pytest.mark.system
def test_many_runs_at_once_go_on_where_they_stopped(tmp_path: Path) -> None:
    """A teacher, its student, and a job that fails, two at a time; then the same again, which finds all done."""
    folders = run(load_recipe("quickstart"), tmp_path / "artifacts", until="dataset")
    sizes = {"layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64, "dropout": 0.0}
    settings = {
        "objective": {"name": "mlm"}, "architecture": {"name": "bert", **sizes}, "precision": "fp32", "max_tokens": 9_000,
        "phases": [{"max_length": 64, "batch_size": 8}], "measured_sentences": 0, "learning_rate": 0.01,
    }  # fmt: skip
    taught = settings | {"objective": {"name": "distillation", "teacher": "bert-mini"}}
    quick = {"seeds": 1, "evaluations_per_epoch": 0}
    scores = [{"tasks": ["sts"], "tfidf": False, "protocols": {"one seed": quick}, "settings": {"sts": {"epochs": 1}}}]
    jobs = [
        {"name": "a/teacher", "store": "s", "pretrain": settings, "keep": True},
        {"name": "a/student", "store": "s", "pretrain": taught, "teacher": "a/teacher", "scores": scores},
        {"name": "a/mistake", "store": "s", "pretrain": settings | {"objective": {"name": "none"}}},
        {"name": "a/scores", "model": "a/teacher", "scores": scores},
    ]
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(BLOCK)
    gpu(
        tmp_path,
        "pack",
        "bundle.tar.xz",
        *(f"s/{name}={folders[name]}" for name in ("tokenizer", "dataset")),
        script=SWEEP,
    )
    again = ("run", "jobs.jsonl", "bundle.tar.xz", "--at-once", "2", "--out", "out", "--tiny")
    assert "4 jobs" in gpu(tmp_path, *again, path=str(tmp_path / "path"), script=SWEEP)

    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    kinds = {(line["name"], line["what"]) for line in lines}
    done = {
        ("a/teacher", "done"),
        ("a/student", "scored"),
        ("a/student", "done"),
        ("a/scores", "done"),
        ("a/mistake", "error"),
    }
    assert done < kinds
    assert all(0 < line["last"]["mlm"] < 9 for line in lines if line["what"] == "trained")
    with tarfile.open(tmp_path / "out" / "a-teacher.tar.xz") as model:
        assert "a-teacher/config.json" in model.getnames()
    assert "1 jobs" in gpu(tmp_path, *again, script=SWEEP)
