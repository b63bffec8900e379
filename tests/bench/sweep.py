"""Many small pretraining runs at once on one GPU: what takes two cores days.

`pack OUT NAME=FOLDER ...` makes one file of what the jobs read: `main/tokenizer=... main/dataset=...` for the store `main`, and
`klue=...` for KLUE's files. `run JOBS BUNDLE ...` works without a network. Each job is a line of JSON:

    {"name": "modernbert/25", "store": "main", "pretrain": {settings}, "seed": 42, "scores": [settings of klue_eval], ...}

Further fields: `model` (the name of an earlier job, whose model is scored: nothing is trained), `patch` ("module:function" of a
module next to this one, called before the run: for experiments), `teacher` (the name of an earlier job, whose model is the
objective's teacher), `keep` (the model comes back, in float16). Jobs start in their order, `--at-once` at a time, each in one
process. Each figure is a line of `results.jsonl` in `--out` as soon as it is known; jobs that are done there, or in `--done`, are
not repeated. After `--seconds` what still runs is stopped, and the next call begins with it.

Models of 4 layers leave a GPU idle between their small kernels. Where the driver offers MPS, kernels of several processes run at
the same time; otherwise they take turns.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import multiprocessing
import os
import queue
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from bundle import unpack, write_bundle

from kobert_pipeline.ground.artifacts import Identity, Workspace

PLACE = Path(tempfile.gettempdir()) / "kobert-sweep"
"""What has been unpacked and trained on this machine; a second call goes on with it."""
RESULTS = "results.jsonl"

Job = Mapping[str, Any]


# --- pack ------------------------------------------------------------------------------------------------------------


def pack(out: Path, folders: Mapping[str, Path]) -> None:
    write_bundle(out, folders)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")  # noqa: T201


# --- run -------------------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    PLACE.mkdir(exist_ok=True)
    for bundle in arguments.bundle:
        unpack_once(bundle, PLACE / "stores")
    if arguments.prepare:
        _function(arguments.prepare)(PLACE / "stores")
    print(f"ready after {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    jobs = [json.loads(line) for line in arguments.jobs.read_text(encoding="utf-8").splitlines() if line.strip()]
    known = [line for path in (arguments.done, PLACE / RESULTS) if path and path.exists() for line in read(path)]
    done = {line["name"] for line in known if line["what"] == "done"}
    jobs = [job for job in jobs if job["name"] not in done]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with Mps() as served:
        print(f"{len(jobs)} jobs, MPS {'on' if served else 'off'}", flush=True)  # noqa: T201
        for line in figures(jobs, arguments.at_once, began + arguments.seconds, tiny=arguments.tiny):
            for path in (PLACE / RESULTS, arguments.out / RESULTS):
                with path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(time.strftime("%X"), _shown(line), flush=True)  # noqa: T201
    shutil.copy(PLACE / RESULTS, arguments.out / RESULTS)
    for job in jobs:
        if job.get("keep") and model_folder(job["name"]).is_dir():
            bring(model_folder(job["name"]), arguments.out / f"{_slug(job['name'])}.tar.xz")


def unpack_once(bundle: Path, folder: Path) -> None:
    """A second call finds it there."""
    done = folder / f".{bundle.name}"
    if not done.exists():
        unpack(bundle, folder)
        done.touch()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _shown(line: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in line.items() if name not in ("job", "curve")}, ensure_ascii=False)


class Mps:
    """Runs NVIDIA's multi-process service while the block runs, if it is there and a process can use it."""

    COMMAND = "nvidia-cuda-mps-control"

    def __enter__(self) -> bool:
        self.serves = bool(shutil.which(self.COMMAND)) and self._start()
        return self.serves

    def _start(self) -> bool:
        folder = tempfile.mkdtemp(prefix="mps-")
        os.environ |= {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        probe = [sys.executable, "-c", "import torch; torch.zeros(1, device='cuda')"]
        try:
            subprocess.run([self.COMMAND, "-d"], check=True, timeout=10)
            subprocess.run(probe, check=True, timeout=30)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"MPS is not used: {error}", flush=True)  # noqa: T201
            self._quit()
            for name in ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"):
                del os.environ[name]
            return False
        return True

    def _quit(self) -> None:
        subprocess.run([self.COMMAND], input="quit\n", text=True, timeout=30, check=False, capture_output=True)

    def __exit__(self, *_: object) -> None:
        if self.serves:
            self._quit()


def figures(jobs: Sequence[Job], at_once: int, until: float, *, tiny: bool) -> Iterator[dict[str, Any]]:
    """Lines of results, as the processes find them."""
    context = multiprocessing.get_context("spawn")
    waiting, found = context.Queue(), context.Queue()
    for job in [*jobs, *[None] * at_once]:
        waiting.put(job)
    processes = [
        context.Process(target=_work, args=(waiting, found, tiny), daemon=True) for _ in range(min(at_once, len(jobs)))
    ]
    for process in processes:
        process.start()
    try:
        while time.monotonic() < until and (any(process.is_alive() for process in processes) or not found.empty()):
            try:
                yield found.get(timeout=1)
            except queue.Empty:
                continue
    finally:
        for process in processes:
            process.kill()


def _work(waiting: Any, found: Any, tiny: bool) -> None:
    """The life of a process: one job after the other."""
    _settle()
    while (job := waiting.get()) is not None:
        began = time.monotonic()
        try:
            for line in chain(figures_of(job, tiny=tiny), [{"what": "done"}]):
                found.put({"name": job["name"]} | line | {"after": round(time.monotonic() - began, 1)})
        except Exception as error:  # one job that fails does not take the others with it
            failure_of(job["name"]).parent.mkdir(parents=True, exist_ok=True)
            failure_of(job["name"]).touch()
            found.put({"name": job["name"], "what": "error", "error": f"{type(error).__name__}: {error}"[:500]})
        finally:
            _undo(job.get("patch"))


def _settle() -> None:
    import torch

    logging.disable(logging.WARNING)
    sys.path.insert(0, str(Path(__file__).parent))
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")  # TF32: nearer to float32 than the recipes' bfloat16


def figures_of(job: Job, *, tiny: bool) -> Iterator[dict[str, Any]]:
    if job.get("patch"):
        _function(job["patch"])()
    model = model_folder(job.get("model") or job["name"])
    if job.get("model"):
        _wait_for(job["model"])
    elif not model.is_dir():
        yield {"what": "trained", "job": dict(job)} | trained(job, model, tiny=tiny)
    klue = PLACE / "stores" / "klue"
    data = "package:klue_eval/sample" if tiny or not klue.is_dir() else str(klue)
    for settings in job.get("scores", ()):
        for title, values in scored(model, settings, data, PLACE / "scores"):
            yield {"what": "scored", "title": title, "values": values}


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _undo(patch: str | None) -> None:
    """The next job of the process runs on the product as it is, where the patch's module says how."""
    module = sys.modules.get((patch or "").partition(":")[0])
    if module is not None and hasattr(module, "restore"):
        module.restore()


def _slug(name: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in name)


def model_folder(name: str) -> Path:
    return PLACE / "models" / _slug(name)


def failure_of(name: str) -> Path:
    return PLACE / "failed" / _slug(name)


def trained(job: Job, model: Path, *, tiny: bool) -> dict[str, Any]:
    from kobert_pipeline.pretrain.build import build
    from kobert_pipeline.pretrain.config import PretrainConfig

    store = PLACE / "stores" / job["store"]
    given = {**job["pretrain"], "checkpoint_minutes": 1_000, "keep_best": False}
    if tiny:
        given |= {"max_tokens": None, "max_minutes": None, "max_steps": 8, "validation_tokens": 2_000}
    config = PretrainConfig.parse(given)
    folders = {"teacher": _wait_for(job["teacher"])} if job.get("teacher") else {}
    identity = Identity("pretrain", 1, {"job": job["name"]}, {}, 0, {})
    began = time.monotonic()
    with Workspace(PLACE / "runs", identity) as out:
        summary = build(config, store / "tokenizer", store / "dataset", out, seed=job.get("seed", 42), folders=folders)
        model.parent.mkdir(parents=True, exist_ok=True)
        (out.path / "model").rename(model)
        shutil.rmtree(out.path)
    headline = summary["headline"]
    return {
        "tokens": summary["tokens"], "steps": summary["steps"], "parameters": summary["parameters"], "headline": headline,
        "chance": summary["chance"]["value"], "last": summary["validation"][-1], "seconds": time.monotonic() - began,
        "curve": [[line["step"], line[headline]] for line in summary["validation"]],
        "measures": summary.get("measures") or {},
    }  # fmt: skip


def _wait_for(name: str) -> Path:
    while not (folder := model_folder(name)).is_dir():
        if failure_of(name).exists():
            raise ValueError(f"{name} failed, whose model is needed")
        time.sleep(1)
    return folder


def scored(model: Path, settings: Mapping[str, Any], data: str, root: Path) -> Iterator[tuple[str, list[float]]]:
    """`YNAT macro F1, 1,000 rows` -> the scores of its seeds."""
    from klue_eval.build import evaluate_model
    from klue_eval.config import EvaluationConfig
    from kobert_pipeline.ground.contents.scores import Scores

    summary = Scores(evaluate_model(str(model), EvaluationConfig.parse({**settings, "data": data}), root, 42)).summary
    for result in summary.results:
        for column in summary.columns:
            if column.task == result.task:
                yield f"{column.title}, {result.protocol}", list(result.metrics[column.metric].per_seed)
                for error, scores in result.perturbed.items():
                    yield f"{column.title}, {result.protocol}, {error}", list(scores.metrics[column.metric].per_seed)


def bring(model: Path, out: Path) -> None:
    """The model's folder with its weights in float16: half the size, and a thousandth of rounding."""
    import torch
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as place, tarfile.open(out, "w:xz") as archive:
        copy = Path(shutil.copytree(model, Path(place) / "model"))
        for path in copy.glob("*.safetensors"):
            save_file(
                {name: tensor.to(torch.float16) for name, tensor in load_file(path).items()}, path, {"format": "pt"}
            )
        archive.add(copy, _slug(model.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("out", type=Path)
    packing.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    packing.set_defaults(
        does=lambda given: pack(
            given.out, {name: Path(folder) for name, folder in (one.split("=") for one in given.folders)}
        )
    )
    running = commands.add_parser("run")
    running.add_argument("jobs", type=Path)
    running.add_argument("bundle", type=Path, nargs="*")
    running.add_argument("--seconds", type=float, default=400)
    running.add_argument("--at-once", type=int, default=14)
    running.add_argument("--done", type=Path)
    running.add_argument("--prepare", default="", metavar="MODULE:FUNCTION")
    running.add_argument("--out", type=Path, default=Path("build/sweep"))
    running.add_argument("--tiny", action="store_true")
    running.set_defaults(does=run)
    given = parser.parse_args()
    given.does(given)


if __name__ == "__main__":
    main()
