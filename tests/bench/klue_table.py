"""Part of `make bench-klue`: the whole KLUE table of one model, by this checkout and by another one, task by task in turns.

OTHER names the other checkout (`git worktree add ../other 7dab7fa`), BENCH_MODEL the model. Each task is a process of its own that
imports its checkout's code and runs `evaluate_model` with the official protocol and one seed, TF-IDF included. Every n-th row is
used (SHARES, or all rows with TABLE=whole), the same ones by both. CPU seconds are multiplied by n, so that the sum is about that
of the whole table: what a task does once (model, tokenizer) counts too often. NER, DP, MRC and WoS have one labelled file, of which
80 % is trained on.
"""

from __future__ import annotations

import heapq
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from parts import Table

from klue_eval.tasks import TASKS

HERE = Path(__file__).resolve().parent.parent.parent
DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
SHARES = {"ynat": 64, "sts": 32, "nli": 64, "ner": 16, "re": 64, "dp": 32, "mrc": 16, "wos": 16}
HELD_OUT = ("ner", "dp", "mrc", "wos")
CONTESTANT = r"""
import dataclasses, json, sys, tempfile, time
from pathlib import Path
import torch, transformers
import klue_eval.build as stage
import klue_eval.finetune
from klue_eval.config import EvaluationConfig

task, model, data, share = *sys.argv[1:4], int(sys.argv[4])
read_all = stage.read_all

def part(*given, **named):
    cut = lambda rows: dataclasses.replace(rows, train=rows.train[::share], dev=rows.dev[::share])
    return {name: cut(rows) for name, rows in read_all(*given, **named).items()}

stage.read_all = part
held_out = [task] if sys.argv[5] == "held-out" else []
config = EvaluationConfig.parse({
    "tasks": [task], "data": data, "held_out": held_out, "precision": "32-true", "protocols": {"official": {"seeds": 1}},
})
with tempfile.TemporaryDirectory() as place:
    began = time.process_time()
    folder = stage.evaluate_model(model, config, Path(place), 42)
    spent = time.process_time() - began
    [result] = json.loads((folder / "scores.json").read_text())["results"]
print(json.dumps({"CPU seconds": spent, "scores": {name: each["last_mean"] for name, each in result["metrics"].items()}}))
"""


def whole_table(model: Path) -> Table:
    """CPU seconds of every task, their sum, and how long two idle cores take: a task at a time before, now two."""
    other = os.environ.get("OTHER")
    if not other or not Path(other).is_dir():
        sys.exit("BENCH=table compares with another checkout: OTHER=path")
    contestants = {"this": HERE, "other": Path(other).resolve()}
    rows: Table = []
    for task, share in SHARES.items():
        share = 1 if os.environ.get("TABLE") == "whole" else share
        found = {name: _run(task, share, checkout, model) for name, checkout in contestants.items()}
        spent = {name: share * each["CPU seconds"] for name, each in found.items()}
        scores = {f"{name}, score": each["scores"][TASKS[task].primary_metric] for name, each in found.items()}
        rows.append({"task": task, "every n-th row": share, **_figures(spent["this"], spent["other"]), **scores})
        print(json.dumps(rows[-1]), flush=True)  # noqa: T201
    ours, theirs = ([row[name] for row in rows] for name in ("this, CPU s", "other, CPU s"))
    rows.append({"task": "all, one at a time", **_figures(sum(ours), sum(theirs))})
    rows.append({"task": "all, two at a time now", **_figures(in_turns(ours, 2), sum(theirs))})
    return rows


def in_turns(seconds: Iterable[float], workers: int) -> float:
    """When the last task is done, if each worker takes the next one as soon as it is free."""
    ends = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def _figures(ours: float, theirs: float) -> dict[str, float]:
    return {"this, CPU s": ours, "other, CPU s": theirs, "ratio": ours / theirs}


def _run(task: str, share: int, checkout: Path, model: Path) -> dict[str, Any]:
    given = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    how = "held-out" if task in HELD_OUT else "dev"
    command = [
        sys.executable,
        "-c",
        CONTESTANT,
        task,
        str(model.resolve()),
        str((DATA / "klue").resolve()),
        str(share),
        how,
    ]
    run = subprocess.run(command, env=given, cwd=checkout, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr[-2_000:])
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
