"""Part of `make bench-klue`: the whole KLUE table of one model, by this checkout and by another one, task by task in turns.

OTHER names the other checkout (`git worktree add ../other 7dab7fa`), BENCH_MODEL the model. Each task is a process of its own that
imports its checkout's code and runs `evaluate_model` with the official protocol and one seed, TF-IDF included. Every n-th row is
used (SHARES, or all rows with TABLE=whole), the same ones by both. CPU seconds are multiplied by n, so that the sum is about that
of the whole table: what a task does once (model, tokenizer) counts too often. NER, DP, MRC and WoS have one labelled file, of which
80 % is trained on.

TABLE=clock times all tasks in one call instead, as `kobert eval` runs them, by the clock of an idle machine with two cores: this
checkout with two workers, the other one with two threads and with one. TABLE_TASKS names some of the tasks, TABLE_ROUNDS how often.
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
import dataclasses, inspect, json, sys, tempfile, time
from pathlib import Path
import torch, transformers
import klue_eval.build as stage
import klue_eval.finetune
from klue_eval.config import EvaluationConfig

model, data, shares, held_out, workers = *sys.argv[1:3], *map(json.loads, sys.argv[3:6])
torch.set_num_threads(int(sys.argv[6]))
read_all = stage.read_all

def part(*given, **named):
    cut = lambda rows, n: dataclasses.replace(rows, train=rows.train[::n], dev=rows.dev[::n])
    return {name: cut(rows, shares[name]) for name, rows in read_all(*given, **named).items()}

stage.read_all = part
config = EvaluationConfig.parse({
    "tasks": list(shares), "data": data, "held_out": held_out, "precision": "32-true",
    "protocols": {"official": {"seeds": 1}},
})
more = {}
if "execution" in inspect.signature(stage.evaluate_model).parameters:
    from kobert_pipeline.ground.parallel import ExecutionConfig
    more["execution"] = ExecutionConfig(workers=workers)
with tempfile.TemporaryDirectory() as place:
    began, clock = time.process_time(), time.perf_counter()
    folder = stage.evaluate_model(model, config, Path(place), 42, **more)
    spent, clock = time.process_time() - began, time.perf_counter() - clock
    results = json.loads((folder / "scores.json").read_text())["results"]
scores = {each["task"]: {name: one["last_mean"] for name, one in each["metrics"].items()} for each in results}
print(json.dumps({"CPU seconds": spent, "seconds": clock, "scores": scores}))
"""


def whole_table(model: Path) -> Table:
    """CPU seconds of every task, their sum, and how long two idle cores take: a task at a time before, now two."""
    other = os.environ.get("OTHER")
    if not other or not Path(other).is_dir():
        sys.exit("BENCH=table compares with another checkout: OTHER=path")
    contestants = {"this": HERE, "other": Path(other).resolve()}
    if os.environ.get("TABLE") == "clock":
        return _by_the_clock(contestants, model)
    rows: Table = []
    for task, share in SHARES.items():
        share = 1 if os.environ.get("TABLE") == "whole" else share
        found = {name: _run({task: share}, checkout, model) for name, checkout in contestants.items()}
        spent = {name: share * each["CPU seconds"] for name, each in found.items()}
        scores = {f"{name}, score": each["scores"][task][TASKS[task].primary_metric] for name, each in found.items()}
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


def _by_the_clock(contestants: dict[str, Path], model: Path) -> Table:
    """Seconds of all tasks in one call: each way in turn, as often as TABLE_ROUNDS says, and this checkout's share of the time."""
    tasks = os.environ.get("TABLE_TASKS", " ".join(SHARES)).split()
    shares = {task: SHARES[task] for task in tasks}
    ways = {"this, 2 workers": ("this", 2, 1), "other, 2 threads": ("other", 1, 2), "other, 1 thread": ("other", 1, 1)}
    rows: Table = []
    for turn in range(int(os.environ.get("TABLE_ROUNDS", "1"))):
        found = {
            way: _run(shares, contestants[name], model, workers=workers, threads=threads)
            for way, (name, workers, threads) in ways.items()
        }
        seconds = {way: each["seconds"] for way, each in found.items()}
        ours = seconds["this, 2 workers"]
        shown = {way: f"{ours / each:.2f} of {way}" for way, each in seconds.items() if each != ours}
        rows.append({"round": turn + 1, **seconds, "ratio": ", ".join(shown.values())})
        equal = all(each["scores"] == found["other, 1 thread"]["scores"] for each in found.values())
        print(json.dumps(rows[-1] | {"equal scores": equal}), flush=True)  # noqa: T201
    return rows


def _run(shares: dict[str, int], checkout: Path, model: Path, *, workers: int = 1, threads: int = 1) -> dict[str, Any]:
    given = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": str(threads)}
    settings = [shares, [task for task in shares if task in HELD_OUT], workers, threads]
    places = [str(model.resolve()), str((DATA / "klue").resolve())]
    command = [sys.executable, "-c", CONTESTANT, *places, *map(json.dumps, settings)]
    run = subprocess.run(command, env=given, cwd=checkout, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr[-2_000:])
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
