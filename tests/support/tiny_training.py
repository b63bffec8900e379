"""A pretraining that takes seconds, over the tiny store: in this process, in one that can be killed, or in several at
once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.models import objective_of
from kobert_pipeline.training.ranks import is_first

SETTINGS = {
    "objective": {"name": "mlm_nsp"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64},
    "phases": [{"max_length": 48, "batch_size": 8}],
    "max_steps": 30, "validation_steps": 10, "log_steps": 5, "precision": "fp32",
    "measured_sentences": 3,
}  # fmt: skip
SEED = 7
DEADLINE = 300.0
"""Seconds after which a process fails the test."""


def config_of(changes: Mapping[str, Any]) -> PretrainConfig:
    budgets = {"max_steps", "max_tokens", "max_minutes"}
    kept = {name: value for name, value in SETTINGS.items() if not (name in budgets and budgets & set(changes))}
    return PretrainConfig.parse(kept | dict(changes))


def train(root: Path, tiny: Any, **changes: Any) -> Path:
    """Trains and returns the artifact. A process that is not the first only does its part of the work."""
    config = config_of(changes)
    identity = Identity("pretrain", 1, config.content(), {}, SEED, {})
    folders = objective_of(config).inputs.folders(config.options, {}, root)
    if not is_first():
        out = Workspace(root, identity)
        while not out.begun:
            time.sleep(0.05)
        build(config, tiny.tokenizer, tiny.dataset, out, seed=SEED, folders=folders)
        return out.folder
    with Workspace(root, identity) as out:
        return out.finish(build(config, tiny.tokenizer, tiny.dataset, out, seed=SEED, folders=folders), {})


# --- in other processes -----------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {support!r})
from kobert_pipeline.cli import explain
from tiny_training import train
def main():
    try:
        tiny = SimpleNamespace(tokenizer=Path({tokenizer!r}), dataset=Path({dataset!r}))
        for folder, changes in {runs!r}.items():
            train(Path(sys.argv[1]) / folder, tiny, **changes)
    except BaseException as error:
        message, code = explain(error)
        if message is None:
            raise
        print("error:", message, file=sys.stderr)
        sys.exit(code)
if __name__ == "__main__":
    main()
"""


def program(tiny: Any, file: Path, **changes: Any) -> Path:
    """Writes a script that trains; its only argument is the artifacts folder."""
    return program_of_several(tiny, file, {".": changes})


def program_of_several(tiny: Any, file: Path, runs: Mapping[str, Mapping[str, Any]]) -> Path:
    """The same for several trainings, one after the other: the folder of each below the artifacts folder -> its settings."""
    values = {
        "support": str(Path(__file__).parent), "tokenizer": str(tiny.tokenizer), "dataset": str(tiny.dataset),
        "runs": {folder: dict(changes) for folder, changes in runs.items()},
    }  # fmt: skip
    file.write_text(PROGRAM.format(**values), encoding="utf-8")
    return file


def start(script: Path, root: Path, ranks: int = 1) -> subprocess.Popen[str]:
    """Starts the script in one process, or in `ranks` processes by torchrun."""
    launcher = [] if ranks == 1 else ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command = [sys.executable, *launcher, str(script), str(root)]
    one_thread = {"OMP_NUM_THREADS": "1"}  # torchrun's default: on a busy machine two threads are ten times slower
    environment = os.environ | one_thread | ({"CUDA_VISIBLE_DEVICES": ""} if ranks > 1 else {})
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str], code: int = 0) -> str:
    """Waits until the process ends with `code`, and returns what it wrote to stderr."""
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == code, errors
    return errors


def signal_once_it_writes(
    process: subprocess.Popen[str], root: Path, extra_seconds: float, number: signal.Signals = signal.SIGKILL,
    *, workers_too: bool = False,
) -> None:  # fmt: skip
    """Sends the signal `extra_seconds` after the next checkpoint appears. `workers_too`: first to the processes that it
    started."""
    before = {path.name for path in root.rglob("step-*.ckpt")}
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        if {path.name for path in root.rglob("step-*.ckpt")} - before:
            time.sleep(extra_seconds)
            break
        time.sleep(0.02)
    for child in psutil.Process(process.pid).children(recursive=True) if workers_too else ():
        child.send_signal(number)
    process.send_signal(number)


def artifact(root: Path) -> Path:
    """The only finished pretraining under `root`."""
    (found,) = (path.parent for path in root.glob("pretrain/*/manifest.json"))
    return found
