"""Proof on a GPU, in two commands.

`pack OUT` makes one file of what is needed, at most 38 MB, on any machine: token store, tokenizer, files of YNAT, STS, NLI and
NER. KOBERT_CORPUS names the folder of text, KOBERT_KLUE the folder of KLUE's files; without it the bundled sample is scored.

`run BUNDLE --seconds 480` works without a network, on a machine with a GPU: first how fast models train, the most important
rows first, then a real run of `modernbert-small` for the rest of the time, then its scores. Each row is written to `gpu.json` and
`gpu.md` in `--out` as soon as it is known. `--parts` names some of agreement, speed, train; `--rows` the speed rows whose names
hold this text. MFU is the share of the rate of a large bfloat16 matrix product, which is measured in the same run. With `--tiny`
everything is very small: to try this file on a CPU.
"""

from __future__ import annotations

import argparse
import csv
import gc
import importlib.metadata
import json
import logging
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle import unpack, write_bundle
from parts import table

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.files import read_json, write_json, write_text

ROOT = Path("build/bench/artifacts")
LARGEST = 38 * 10**6
"""Bytes of a bundle."""
TASKS = ("ynat", "sts", "nli")
PACKED_TASKS = (*TASKS, "ner")
SCORING_SECONDS = 180
SPEED_SHARE = 0.4
"""Of all seconds, when a training run follows."""
STEPS, WINDOW, WARMUP = 48, 8, 2
"""Steps of a speed row, steps of one reading, readings that are left out because they compile and allocate."""
WORKERS = 8


@dataclass(frozen=True)
class Speed:
    """One row of the speed table."""

    system: str
    """Architecture and size, `bert-base`."""
    objective: str
    length: int
    """Tokens of the longest example and of a packed row."""
    rows: int
    """Rows of one step."""
    attention: str = "varlen"
    compile: bool = True
    packed: bool = False
    options: tuple[tuple[str, Any], ...] = ()
    """Further options of the objective."""

    @property
    def name(self) -> str:
        words = [
            self.system,
            self.objective,
            f"{self.rows} x {self.length}",
            "packed" if self.packed else "",
            self.attention,
        ]
        return ", ".join(
            word for word in [*words, "compiled" if self.compile else "", *(name for name, _ in self.options)] if word
        )


def _bert(**named: Any) -> Speed:
    return Speed("bert-base", "mlm_nsp", 512, 128, packed=True, **named)


def _modern(size: str, length: int, rows: int, **named: Any) -> Speed:
    return Speed(f"modernbert-{size}", "mlm", length, rows, **named)


FIXED = (("max_predictions", 77), ("fixed_predictions", True))
"""As many predictions in every row, as BERT's code has them: nothing waits for the GPU to count."""
SPEEDS = (
    _bert(),
    _modern("base", 1024, 64),
    _modern("mini", 512, 512),
    _bert(attention="sdpa"),
    _modern("base", 1024, 64, attention="sdpa"),
    _bert(compile=False),
    _modern("base", 1024, 64, compile=False),
    _modern("small", 512, 256),
    _bert(attention="flex_attention"),
    Speed("bert-base", "mlm", 512, 128, attention="sdpa"),
    Speed("bert-base", "mlm", 512, 128, options=FIXED),
    Speed("bert-base", "mlm_nsp", 512, 128, attention="sdpa"),
    _modern("mini", 512, 512, attention="sdpa", compile=False),
    _modern("mini", 128, 2048),
    _bert(attention="sdpa", compile=False),
    _bert(attention="eager", compile=False),
    _modern("base", 1024, 64, attention="flex_attention"),
)


# --- pack ------------------------------------------------------------------------------------------------------------


def pack(out: Path, recipe: str, klue: str) -> None:
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run

    folders = run(load_recipe(recipe, ("klue_eval.data=package:klue_eval/sample",)), ROOT, until="dataset")
    share = 1.0
    while True:
        with tempfile.TemporaryDirectory() as place:
            store = shortened(folders["dataset"], share, Path(place))
            tasks = {f"klue/{path.name}": path for path in _task_files(klue)}
            write_bundle(out, {"tokenizer": folders["tokenizer"], "dataset": store} | tasks)
            tokens = read_json(store / "manifest.json")["summary"]["train"]["tokens"]
        size = out.stat().st_size
        print(f"{out}: {size / 1e6:.1f} MB, {tokens:,} tokens, {share:.0%} of the text", flush=True)  # noqa: T201
        if size <= LARGEST:
            return
        share *= 0.98 * LARGEST / size


def shortened(folder: Path, share: float, root: Path) -> Path:
    """A store with this share of the training files, taken at even distances."""
    from kobert_pipeline.dataset.store import TRAIN, Store

    if share >= 1:
        return folder
    store = Store(folder)
    summary = dict(store.manifest.summary)
    names = sorted(summary["files"][TRAIN])
    number = max(1, round(share * len(names)))
    kept = [names[place * len(names) // number] for place in range(number)]
    identity = Identity("dataset", store.version, {"share": share}, dict(store.inputs), 0, {})
    with Workspace(root, identity) as out:
        shutil.copytree(folder, out.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json", "run*"))
        for name in set(names) - set(kept):
            (out.path / TRAIN / name).unlink()
        blocks = [store.read([folder / TRAIN / name]) for name in kept]
        summary["files"] = summary["files"] | {TRAIN: {name: summary["files"][TRAIN][name] for name in kept}}
        summary[TRAIN] = summary[TRAIN] | {
            "documents": sum(len(block.source) for block in blocks),
            "sentences": sum(len(block.paragraph_end) for block in blocks),
            "tokens": sum(len(block.tokens) for block in blocks),
        }
        return out.finish(summary, {})


def _task_files(klue: str) -> list[Path]:
    if not klue:
        return []
    return sorted(path for path in Path(klue).iterdir() if any(f"{task}-" in path.name for task in PACKED_TASKS))


# --- run -------------------------------------------------------------------------------------------------------------


class Report:
    """What is known so far, as JSON and as tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.figures: dict[str, Any] = {"machine": machine()}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, part: str, row: Mapping[str, Any]) -> None:
        self.figures.setdefault(part, []).append(dict(row))
        print(f"{part}: {json.dumps(row, ensure_ascii=False)}", flush=True)  # noqa: T201
        write_json(self.folder / "gpu.json", self.figures)
        tables = [f"## {name}\n\n{table(rows)}\n" for name, rows in self.figures.items() if isinstance(rows, list)]
        machine = "\n".join(f"* {name}: {value}" for name, value in self.figures["machine"].items())
        write_text(self.folder / "gpu.md", "\n".join([machine + "\n", *tables]))


def machine() -> dict[str, Any]:
    import torch

    names = ("transformers", "lightning", "tokenizers")
    versions = {name: importlib.metadata.version(name) for name in names}
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {"card": card, "python": platform.python_version(), "torch": torch.__version__, **versions} | _ceilings()


def _ceilings() -> dict[str, Any]:
    """The rates that nothing exceeds: of a large matrix product, and of copying memory."""
    import torch

    from kobert_pipeline.pretrain.throughput import matmul_peak

    if not torch.cuda.is_available():
        return {"matmul bf16 TFLOP/s": matmul_peak(torch.device("cpu"), torch.bfloat16) / 1e12}
    rates = [matmul_peak(torch.device("cuda"), torch.bfloat16) / 1e12 for _ in range(10)]
    source = torch.randn(2**30, device="cuda")
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    target = torch.empty_like(source)
    target.copy_(source)
    begin.record()
    target.copy_(source)
    end.record()
    torch.cuda.synchronize()
    return {"matmul bf16 TFLOP/s": max(rates), "copy TB/s": 2 * source.nbytes / begin.elapsed_time(end) / 1e9}


def run(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    logging.disable(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="kobert-gpu-"))
    unpack(arguments.bundle, folder)
    report = Report(arguments.out)
    parts = arguments.parts.split()
    try:
        if "agreement" in parts:
            for row in agreement(folder, tiny=arguments.tiny):
                report.add("agreement", row)
        if "speed" in parts:
            until = began + arguments.seconds * (SPEED_SHARE if "train" in parts else 1.0)
            for row in speeds(folder, arguments, until):
                report.add("speed", row)
        if "train" in parts:
            left = arguments.seconds - (time.monotonic() - began) - SCORING_SECONDS
            for part, row in trained(folder, max(left, 5.0), tiny=arguments.tiny):
                report.add(part, row)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- do all attentions compute the same? -----------------------------------------------------------------------------


def agreement(folder: Path, *, tiny: bool) -> Iterator[dict[str, Any]]:
    """Hidden states of packed rows and the gradient of their sum, in bfloat16, against `eager` in float32: relative distances."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for system, objective in (("bert-mini", "mlm_nsp"), ("modernbert-mini", "mlm")):
        row = Speed(system, objective, 64 if tiny else 256, 8, packed=True, compile=False)
        reference = _states(folder, row, "eager", device, torch.float32)
        for attention in ("eager", "sdpa", "flex_attention", "varlen"):
            if attention == "flex_attention" and device.type == "cpu":
                continue
            found: dict[str, Any] = {"system": system, "attention": attention}
            try:
                states, gradient = _states(folder, row, attention, device, torch.bfloat16)
            except Exception as error:  # the other attentions are compared all the same
                yield found | {"remark": _one_line(error)}
                continue
            yield found | {
                "hidden states": _distance(states, reference[0]),
                "gradient": _distance(gradient, reference[1]),
            }


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _distance(found: Any, expected: Any) -> float:
    return float((found.float() - expected).norm() / expected.norm())


def _states(folder: Path, row: Speed, attention: str, device: Any, dtype: Any) -> tuple[Any, Any]:
    import torch

    from kobert_pipeline.dataset.store import Store
    from kobert_pipeline.pretrain.config import PretrainConfig
    from kobert_pipeline.pretrain.data import BatchStream
    from kobert_pipeline.pretrain.models import build_models, objective_of
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

    config = PretrainConfig.parse(settings(row, 1, tiny=False) | {"attention": attention})
    info = tokenizer_info(folder / "tokenizer")
    stream = BatchStream(Store(folder / "dataset"), objective_of(config), config, info, 0)
    batch = {name: tensor.to(device) for name, tensor in next(iter(stream))[0].items()}
    torch.manual_seed(0)
    model: Any = build_models(config, info, {}, info.vocab_size).student.to(device)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        hidden = model.hidden(batch)
    seen = batch["attention_mask"].bool()
    weights = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(1)).to(device)
    (hidden.float() * weights)[seen].sum().backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return hidden[seen].detach(), torch.cat(gradients)


# --- how fast? -------------------------------------------------------------------------------------------------------


def speeds(folder: Path, arguments: argparse.Namespace, until: float) -> Iterator[dict[str, Any]]:
    """The rows, in a process of their own, which is started again if one of them ends it."""
    chosen = [number for number, row in enumerate(SPEEDS) if arguments.rows in row.name]
    while chosen:
        command = [
            sys.executable,
            __file__,
            "rows",
            str(folder),
            *map(str, chosen),
            *(["--tiny"] if arguments.tiny else []),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True) as process:
            assert process.stdout is not None
            timer = _stop_at(process, until)
            for line in process.stdout:
                yield {"what": SPEEDS[chosen.pop(0)].name} | json.loads(line)
            timer.cancel()
        if chosen and time.monotonic() > until:
            for number in chosen:
                yield {"what": SPEEDS[number].name, "remark": "not measured: no time left"}
            return
        if chosen:
            yield {"what": SPEEDS[chosen.pop(0)].name, "remark": f"the process ended with {process.returncode}"}


def _stop_at(process: subprocess.Popen[str], until: float) -> Any:
    import threading

    timer = threading.Timer(max(0.0, until - time.monotonic()), process.kill)
    timer.start()
    return timer


def rows(arguments: argparse.Namespace) -> None:
    """Prints the figures of each row as a line of JSON."""
    logging.disable(logging.WARNING)
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print does not go among the figures
    for number in arguments.numbers:
        try:
            found = speed(arguments.folder, SPEEDS[number], tiny=arguments.tiny)
        except Exception as error:  # one row that fails does not take the others with it
            found = {"remark": _one_line(error)}
        print(json.dumps(found), file=out, flush=True)
        _forget()


def speed(folder: Path, row: Speed, *, tiny: bool) -> dict[str, Any]:
    """Steady figures, which the run itself logs. Validation, checkpoints and export are left out: what is measured is
    training."""
    from kobert_pipeline.pretrain import build as stage
    from kobert_pipeline.pretrain.module import PretrainModule

    began = time.monotonic()
    vars(stage).update(save=lambda *_, **__: None, _export=lambda *_, **__: None)
    PretrainModule.measure = lambda self, batches: {self.objective.headline: 1.0}
    number = 4 if tiny else STEPS
    logged = _steps(folder, settings(row, number, tiny=tiny), _csv)[0 if tiny else WARMUP :]
    middle = {name: statistics.median(line[name] for line in logged) for name in logged[0]}
    return {
        "tokens/s": middle["tokens_per_second"],
        "MFU": middle["mfu"],
        "waiting": middle["waiting_share"],
        "useful": middle["useful_share"],
        "peak GiB": _peak_gib(),
        "seconds": time.monotonic() - began,
    }


def settings(row: Speed, steps: int, *, tiny: bool) -> dict[str, Any]:
    name, _, size = row.system.partition("-")
    sizes = {"size": size, "dropout": 0.0} | (
        {"layers": 3, "hidden": 32, "heads": 2, "feed_forward": 64} if tiny else {}
    )
    length, number = (48, 4) if tiny else (row.length, row.rows)
    phase = {"max_length": length, "batch_size": number} | ({"row_length": length} if row.packed else {})
    return {
        "objective": {"name": row.objective, **dict(row.options)}
        | ({"max_predictions": 9} if tiny and row.options else {}),
        "architecture": {"name": name, **sizes},
        "phases": [phase],
        "max_steps": steps,
        "log_steps": 1 if tiny else WINDOW,
        "validation_steps": steps,
        "measured_sentences": 0,
        "checkpoint_minutes": 1_000,
        "keep_best": False,
        "workers": 0 if tiny else WORKERS,
        "attention": row.attention,
        "compile": row.compile and not tiny,
    }


def _steps(folder: Path, given: Mapping[str, Any], read: Callable[[Workspace], Any]) -> Any:
    from kobert_pipeline.pretrain.build import build
    from kobert_pipeline.pretrain.config import PretrainConfig

    config = PretrainConfig.parse(dict(given))
    with (
        tempfile.TemporaryDirectory() as place,
        Workspace(Path(place), Identity("pretrain", 1, config.content(), {}, 0, {})) as out,
    ):
        build(config, folder / "tokenizer", folder / "dataset", out, seed=0)
        return read(out)


def _csv(out: Workspace) -> list[dict[str, float]]:
    with (out.run_folder / "speed.csv").open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in line.items() if value} for line in csv.DictReader(stream)]


def _peak_gib() -> float:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _forget() -> None:
    import torch

    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


# --- a real run ------------------------------------------------------------------------------------------------------


def trained(folder: Path, seconds: float, *, tiny: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """`modernbert-small` for so long, then fine-tuned: not by KLUE's official settings, which would take longer."""
    from klue_eval.build import evaluate_model
    from klue_eval.config import EvaluationConfig
    from kobert_pipeline.pretrain.build import build
    from kobert_pipeline.pretrain.config import PretrainConfig

    row = _modern("small", 512, 128)
    length = {"max_steps": 8} if tiny else {"max_steps": None, "max_minutes": seconds / 60}
    rates = {
        "objective": {"name": "mlm", "mlm_probability": 0.3},
        "learning_rate": 1e-3,
        "warmup_share": 0.03,
        "schedule": "wsd",
    }
    given = (
        settings(row, 8, tiny=tiny)
        | rates
        | length
        | {"log_steps": 4 if tiny else 50, "validation_steps": 4 if tiny else 1_000}
    )
    config = PretrainConfig.parse(given)
    with Workspace(folder / "runs", Identity("pretrain", 1, config.content(), {}, 0, {})) as out:
        began = time.monotonic()
        summary = build(config, folder / "tokenizer", folder / "dataset", out, seed=0)
        took = time.monotonic() - began
        speeds = [line["tokens_per_second"] for line in _csv(out)]
        first, last = summary["validation"][0], summary["validation"][-1]
        yield "run", {
            "what": row.name, "seconds": took, "steps": summary["steps"], "tokens": summary["tokens"],
            "tokens/s": statistics.median(speeds), "loss at first": first["mlm"], "loss": last["mlm"],
            "accuracy": last["mlm_accuracy"], "peak GiB": _peak_gib(),
        }  # fmt: skip
        _forget()
        data = str(folder / "klue") if (folder / "klue").is_dir() else "package:klue_eval/sample"
        tuned = {"learning_rate": 2e-4, "batch_size": 64, "epochs": 1 if tiny else 3}
        for task in TASKS:
            began = time.monotonic()
            protocols = {"one seed": {"seeds": 1, "evaluations_per_epoch": 0}}
            asked = {"tasks": [task], "data": data, "protocols": protocols, "tfidf": False, "settings": {task: tuned}}
            scored = evaluate_model(str(out.path / "model"), EvaluationConfig.parse(asked), folder / "scores", 42)
            (result,) = read_json(scored / "scores.json")["results"]
            means = {name: values["last_mean"] for name, values in result["metrics"].items()}
            yield "scores", {"task": task, **means, "seconds": time.monotonic() - began}


# --- commands --------------------------------------------------------------------------------------------------------


def main() -> None:
    import os

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("out", type=Path)
    packing.add_argument("--recipe", default="modernbert-small")
    packing.set_defaults(does=lambda given: pack(given.out, given.recipe, os.environ.get("KOBERT_KLUE", "")))
    running = commands.add_parser("run")
    running.add_argument("bundle", type=Path)
    running.add_argument("--seconds", type=float, default=480)
    running.add_argument("--parts", default="agreement speed train")
    running.add_argument("--rows", default="")
    running.add_argument("--out", type=Path, default=Path("build/bench"))
    running.add_argument("--tiny", action="store_true")
    running.set_defaults(does=run)
    inside = commands.add_parser("rows")
    inside.add_argument("folder", type=Path)
    inside.add_argument("numbers", type=int, nargs="+")
    inside.add_argument("--tiny", action="store_true")
    inside.set_defaults(does=rows)
    given = parser.parse_args()
    given.does(given)


if __name__ == "__main__":
    main()
