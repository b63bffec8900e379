"""Part of `make bench-corpora`: this checkout and another one on the same text, in turns.

OTHER names the other checkout (`git worktree add ../other fbd4eaf`). Each contestant is a process of its own that imports its own code:
the whole stage over everything under `raw/` (AGAINST_MB megabytes of it, if set), and personal-data masking alone, on one core. The
rows give CPU seconds, which other work on the machine changes little, and seconds, which need an idle machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import zstandard
from parts import Table

HERE = Path(__file__).resolve().parent.parent.parent
DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
ROUNDS = 3
MASKED_BYTES = 20_000_000
CONTESTANT = r"""
import json, resource, sys, tempfile, time
from pathlib import Path
from bench_corpora import cut, mixed, sources
from corpora.build import build
from corpora.cleaning import clean
from corpora.config import CorporaConfig
from corpora.personal_data import mask
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig

what, folder, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if what == "masking":
    texts = [clean(text) for text in cut(mixed(), size)]

def work():
    if what == "masking":
        for text in texts:
            mask(text)
        return sum(len(text.encode()) for text in texts)
    with tempfile.TemporaryDirectory() as place, Workspace(Path(place), Identity("corpora", 1, {}, {}, 0, {})) as out:
        return build(CorporaConfig(sources=sources(folder)), out, execution=ExecutionConfig(workers=2))["totals"]["raw_bytes"]

def spent():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)

cpu, clock = spent(), time.perf_counter()
done = work()
print(json.dumps({"MB": done / 1e6, "seconds": time.perf_counter() - clock, "CPU seconds": spent() - cpu}))
"""


def against() -> Table:
    """Medians of three rounds, the contestants in turns, and the ratio of speeds: 1.0 means as fast, less means slower."""
    other = os.environ.get("OTHER")
    if not other or not Path(other).is_dir():
        sys.exit("BENCH=against compares with another checkout: OTHER=path")
    contestants, size = (
        {"this": HERE, "other": Path(other).resolve()},
        int(float(os.environ.get("AGAINST_MB", 0)) * 1e6),
    )
    folder = _some(size) if size else DATA / "raw"
    rows = []
    for what in ("masking", "stage"):
        found: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, checkout in contestants.items():
                found[name].append(_run(what, checkout, folder, size or MASKED_BYTES))
        rows += [_row(what, name, runs, found["other"]) for name, runs in found.items()]
    return rows


def _row(what: str, name: str, runs: list[dict[str, float]], others: list[dict[str, float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"what": what, "checkout": name, "MB": runs[0]["MB"]}
    for unit in ("seconds", "CPU seconds"):
        speed, theirs = (statistics.median(run["MB"] / run[unit] for run in group) for group in (runs, others))
        row |= {f"MB by {unit}": speed, f"ratio by {unit}": speed / theirs}
    return row


def _run(what: str, checkout: Path, folder: Path, size: int) -> dict[str, float]:
    path = os.pathsep.join([str(checkout), str(checkout / "tests" / "bench")])
    given = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "KOBERT_DATA": str(DATA.resolve())}
    command = [sys.executable, "-c", CONTESTANT, what, str(folder.resolve()), str(size)]
    run = subprocess.run(command, env=given, cwd=checkout, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{checkout}: {run.stderr}")
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def _some(size: int) -> Path:
    """The first bytes of the mixed text, as one file."""
    from bench_corpora import cut, mixed

    folder = Path("build/bench/work/against")
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in cut(mixed(), size)]
    (folder / "mixed.jsonl.zst").write_bytes(zstandard.compress(("\n".join(rows) + "\n").encode()))
    return folder
