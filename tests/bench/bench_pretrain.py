"""`make bench-pretrain`: pretraining compared with Hugging Face's `Trainer` with `DataCollatorForLanguageModeling`, on the same text.

*Everyday* is how `run_mlm` is used: line by line, padded, float32, the head over every position. *Best* are its best settings:
text grouped into full rows, in the precision that this machine computes fastest, which is ours, too. Useful tokens are pieces that
are no padding. Every measurement is a process of its own, so that its peak memory is its own; ours is the pretraining stage whole,
as `kobert run` runs it. The table names the processor, and each row its precision.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`), BENCH some of the parts below, BENCH_RECIPE the recipe whose
first three stages give the store (`bert-small`; with `quickstart` no data is needed, and the figures mean little), BENCH_SIZES
some of mini, small, base, BENCH_SECONDS how long each speed is taken over, BENCH_MINUTES how long each run of `quality` trains,
KOBERT_KLUE the folder of KLUE's files for its last column, BENCH_STEPS how many steps each run of `optimizers` takes and BENCH_RATES
at which multiples of the recipe's learning rate. Prints one table, saves `build/bench/pretrain.json` after every row, and draws
`build/bench/pretrain.png`. For a GPU there is `gpu.py`. `quality` trains three times so many minutes. Not run unless named: `optimizers`, each of five as
often as there are rates, `shared`, training next to other busy programs, and `precisions`, bf16 and fp32 by turns. Run it on an idle machine; what the first three stages made is kept in `build/bench/artifacts`.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import logging
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optimizers import OPTIMIZERS
from parts import table

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.cli import WAITING_TURNS
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TokenizerInfo
from kobert_pipeline.pretrain import evaluation
from kobert_pipeline.pretrain import module as pretrain_module
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import validation_batches
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.training.environment import processor
from kobert_pipeline.training.precision import computes_bf16, fastest
from kobert_pipeline.training.quiet import quiet

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
KLUE = os.environ.get("KOBERT_KLUE", "")
RECIPE = os.environ.get("BENCH_RECIPE", "bert-small")
SIZES = os.environ.get("BENCH_SIZES", "mini small base").split()
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
MINUTES = float(os.environ.get("BENCH_MINUTES", "30"))
STEPS = int(os.environ.get("BENCH_STEPS", "600"))
RATES = [float(rate) for rate in os.environ.get("BENCH_RATES", "0.5 1 2").split()]
ROOT = Path("build/bench/artifacts")
WORK = Path("build/bench/work-pretrain")
RESULT = Path("build/bench/pretrain.json")
CURVES = Path("build/bench/pretrain.png")
LENGTH, ROWS = 128, 32
PROBE = 6
"""Steps by which the number of steps for a given time is found; the first ones are slow."""
MISSING = "accelerate is missing: pip install 'kobert-pipeline[bench]'"


def main() -> None:
    if len(sys.argv) > 1:
        job = json.loads(sys.argv[1])
        write_json(Path(job["result"]), JOBS[job["job"]](job))
        return
    if RECIPE != "quickstart" and not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    os.environ.setdefault("KOBERT_CORPUS", str(DATA / "raw"))
    logging.disable(logging.WARNING)
    folders = run(load_recipe(RECIPE, ("klue_eval.data=package:klue_eval/sample",)), ROOT, until="dataset")
    figures = read_json(RESULT) if RESULT.exists() else {}
    cores = f"{os.cpu_count()} cores of {processor()}, {'with' if computes_bf16() else 'without'} bfloat16 instructions"
    figures["machine"] = torch.cuda.get_device_name() if torch.cuda.is_available() else cores
    parts = os.environ.get("BENCH", "speed quality").split()
    for part in parts:
        figures[part] = []
        for row in PARTS[part](folders):
            figures[part].append(row)
            write_json(RESULT, figures)
            print(f"{part}: {row['what']}, done", file=sys.stderr, flush=True)  # noqa: T201
    rows = [{"part": part} | row for part in parts for row in figures[part]]
    print(f"{figures['machine']}\n\n{table(rows)}")  # noqa: T201


def apart(job: str, folders: dict[str, Path], environment: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """What a job finds, in a fresh process."""
    shutil.rmtree(WORK / "job", ignore_errors=True)
    (WORK / "job").mkdir(parents=True)
    given = {name: str(folders[name]) for name in ("tokenizer", "dataset")}
    result = WORK / "job" / "result.json"
    whole = {"job": job, "folders": given, "result": str(result), "out": str(WORK / "job"), **spec}
    subprocess.run([sys.executable, __file__, json.dumps(whole)], check=True, env=os.environ | (environment or {}))
    return dict(read_json(result))


# --- parts -----------------------------------------------------------------------------------------------------------


Rows = Iterator[dict[str, Any]]


def speed(folders: dict[str, Path]) -> Rows:
    """Batches of 32 rows of at most 128 pieces."""
    for size in SIZES:
        spec = {"architecture": {"name": "bert", "size": size}, "length": LENGTH, "rows": ROWS, "seconds": SECONDS}
        ours = apart("ours", folders, objective={"name": "mlm_nsp"}, **spec)
        yield {"what": f"bert-{size}, ours"} | ours
        for form in ("everyday", "best"):
            row = {"what": f"bert-{size}, Trainer, {form}"} | apart("trainer", folders, form=form, **spec)
            yield row | ({"ours is times": ours["tokens/s"] / row["tokens/s"]} if "tokens/s" in row else {})


def shared(folders: dict[str, Path]) -> Rows:
    """bert-mini alone, and next to as many busy programs as there are cores: threads that wait as OpenMP's do, and as `kobert` lets
    them."""
    for number in (1, 2, 3):
        for neighbours in (0, os.cpu_count() or 1):
            for who, environment in (("OpenMP's", {}), ("kobert's", {"GOMP_SPINCOUNT": WAITING_TURNS})):
                with busy(neighbours):
                    found = apart(
                        "ours", folders, environment, objective={"name": "mlm_nsp"}, length=LENGTH, rows=ROWS, seconds=SECONDS,
                        architecture={"name": "bert", "size": "mini"},
                    )  # fmt: skip
                figures = {name: found[name] for name in ("tokens/s", "precision")}
                yield {"what": f"{neighbours} busy programs, {who}, {number}"} | figures


def precisions(folders: dict[str, Path]) -> Rows:
    """The same steps in bf16 and fp32 by turns. Processor time is what they take, whatever else runs."""
    sizes = {"bert": {"name": "mlm_nsp"}, "modernbert": {"name": "mlm"}}
    for number in (1, 2, 3):
        for (name, objective), precision in itertools.product(sizes.items(), ("bf16", "fp32")):
            found = apart(
                "ours", folders, objective=objective, length=LENGTH, rows=ROWS, seconds=SECONDS, precision=precision,
                architecture={"name": name, "size": "mini"},
            )  # fmt: skip
            figures = {key: found[key] for key in ("tokens/s", "CPU s per 1,000 tokens", "precision")}
            yield {"what": f"{name}-mini, {precision}, {number}"} | figures


@contextlib.contextmanager
def busy(number: int) -> Iterator[None]:
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def quality(folders: dict[str, Path]) -> Rows:
    """Equal minutes, text, tokenizer and size: validation loss on the same full rows, YNAT with 1,000 labels."""
    curves, theirs = {}, None
    for name, job in (
        ("Trainer, bert-mini, best", "trainer_run"),
        ("bert-mini", "our_run"),
        ("modernbert-mini", "our_run"),
    ):
        out = (WORK / name.replace(", ", "-")).resolve()
        shutil.rmtree(out, ignore_errors=True)
        found = apart(job, folders, recipe=name, minutes=MINUTES, model=str(out), length=LENGTH, rows=ROWS, form="best")
        curves[name] = found.pop("curve", [])
        if out.is_dir():
            found |= apart("validation", folders, model=str(out), length=LENGTH) | ynat(out)
        theirs = found.get("validation loss") if job == "trainer_run" else theirs
        if job == "our_run" and theirs is not None:
            found["below Trainer's"] = theirs - found["validation loss"]
        draw(curves)
        yield {"what": name} | found


def optimizers(folders: dict[str, Path]) -> Rows:
    """modernbert-mini with each, at each rate, for the same steps on the same batches."""
    for name in OPTIMIZERS:
        for rate in RATES:
            spec = {"recipe": "modernbert-mini", "optimizer": name, "rate": rate, "steps": STEPS}
            yield {"what": f"{name}, rate x {rate:g}"} | apart("optimized", folders, **spec)


def ynat(model: Path) -> dict[str, Any]:
    """Macro F1 on dev; learning rate and epochs are chosen on 500 other training rows."""
    from klue_eval.build import evaluate_model
    from klue_eval.config import EvaluationConfig

    if not KLUE:
        return {"YNAT": "KOBERT_KLUE is not set"}
    tuned = {"learning_rates": [1e-4, 3e-4, 1e-3], "epochs": [4, 12], "selection_rows": 500, "evaluations_per_epoch": 0}
    protocols = {"1,000 rows": {"train_rows": 1_000, "seeds": 3} | tuned}
    config = EvaluationConfig.parse({"tasks": ["ynat"], "data": KLUE, "protocols": protocols, "tfidf": False})
    folder = evaluate_model(str(model), config, ROOT, 42)
    (result,) = read_json(folder / "scores.json")["results"]
    return {"YNAT": result["metrics"]["macro_f1"]["last_mean"]}


def draw(curves: dict[str, list[list[float]]]) -> None:
    """Losses in training by minute: each at its own share of masked pieces, so that they show the course, and the table who is
    better."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).add_subplot()
    for name, curve in curves.items():
        axes.plot([point[0] for point in curve], [point[1] for point in curve], label=name)
    axes.set(xlabel="minutes", ylabel="MLM loss in training (nats)")
    axes.legend()
    figure.savefig(CURVES, dpi=150)


# --- ours ------------------------------------------------------------------------------------------------------------


def ours(job: dict[str, Any]) -> dict[str, Any]:
    """Steady speed, from the figures that the run itself logs, after the first of its rows."""
    of = evaluation.validation_batches
    evaluation.validation_batches = lambda *given: of(*given)[:2]  # what is measured here is training
    settings = {
        "objective": job["objective"],
        "architecture": job["architecture"],
        "phases": [{"max_length": job["length"], "batch_size": job["rows"]}],
        "measured_sentences": 0,
        "workers": job.get("workers", 0),
        "precision": job.get("precision", "auto"),
    }
    number = max(PROBE, round(job["seconds"] * steps_a_second(job, settings)))
    began = time.process_time()
    measured = steps(job, settings, number, log_steps=max(1, number // 6))
    spent, logged = time.process_time() - began, measured["logged"][1:]

    def middle(name: str) -> float:
        return statistics.median(row[name] for row in logged)

    return {
        "tokens/s": middle("tokens_per_second"),
        "useful": middle("useful_share"),
        "MFU": middle("mfu"),
        "between steps": middle("waiting_share"),
        "CPU s per 1,000 tokens": 1_000 * spent / measured["curve"][-1]["tokens"],
        "steps": number,
        "precision": measured["precision"],
    } | memory()


def our_run(job: dict[str, Any]) -> dict[str, Any]:
    """A shipped recipe's training, with `max_minutes` in place of its steps, on the bench's store."""
    settings = load_recipe(job["recipe"]).pretrain.model_dump(mode="json") | {"measured_sentences": 0}
    started = time.perf_counter()
    found = stage(job, settings | {"max_steps": None, "max_minutes": job["minutes"]})
    minutes = (time.perf_counter() - started) / 60
    shutil.copytree(found["folder"] / "model", job["model"])
    last = found["curve"][-1]
    curve = [[minutes * row["step"] / last["step"], row["mlm"]] for row in found["curve"]]
    figures = {"minutes": minutes, "steps": last["step"], "tokens": last["tokens"], "precision": found["precision"]}
    return figures | {"curve": curve} | memory()


def optimized(job: dict[str, Any]) -> dict[str, Any]:
    """A shipped recipe's first steps with another optimizer. A run that breaks off has no figures."""
    settings = load_recipe(job["recipe"]).pretrain.model_dump(mode="json") | {"measured_sentences": 0}
    settings["learning_rate"] *= job["rate"]
    vars(pretrain_module)["OPTIMIZERS"] = {"adamw": partial(OPTIMIZERS[job["optimizer"]], steps=job["steps"])}
    found = steps(job, settings, job["steps"], log_steps=max(1, job["steps"] // 20))
    rate = statistics.median(row["tokens_per_second"] for row in found["logged"][1:])
    figures = {"validation loss": found["validation"]["mlm"], "tokens/s": rate, "precision": found["precision"]}
    return figures | {"steps": job["steps"]} | memory()


def steps_a_second(job: dict[str, Any], settings: dict[str, Any]) -> float:
    found = steps(job, settings, PROBE, log_steps=PROBE // 2)
    tokens_a_step = found["curve"][-1]["tokens"] / PROBE
    return float(found["logged"][-1]["tokens_per_second"] / tokens_a_step)


def steps(job: dict[str, Any], settings: dict[str, Any], number: int, log_steps: int) -> dict[str, Any]:
    limits = {"max_steps": number, "log_steps": log_steps, "validation_steps": number, "checkpoint_minutes": 1_000}
    return stage(job, settings | limits)


def stage(job: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The pretraining stage, and what it wrote: the last figures `validation`, `precision`, `logged` live, `curve`, and its folder."""
    from kobert_pipeline.pretrain.build import build

    config = PretrainConfig.parse(settings)
    root = Path(job["out"]) / str(config.max_steps)
    with Workspace(root, Identity("pretrain", 1, config.content(), {}, 0, {})) as out:
        summary = build(config, Path(job["folders"]["tokenizer"]), Path(job["folders"]["dataset"]), out, seed=0)
        return {
            "validation": summary["validation"][-1],
            "precision": summary["precision"],
            "logged": _numbers(out.run_folder / "speed.csv"),
            "curve": _numbers(out.path / "losses.csv"),
            "folder": out.path,
        }


def _numbers(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


# --- Hugging Face ----------------------------------------------------------------------------------------------------


class Lines:
    """Sentences of the training split, [CLS] before and [SEP] behind each, as `run_mlm` makes them: line by line or, grouped,
    laid end to end and cut into full rows."""

    def __init__(self, store: Store, info: TokenizerInfo, length: int, *, grouped: bool, most: int) -> None:
        self.special = np.array([info.cls_id, info.sep_id])
        found = [self._framed(sentence, length) for sentence in _sentences(store, most)]
        joined = np.concatenate(found)
        whole = len(joined) // length
        self.rows = list(joined[: whole * length].reshape(whole, length)) if grouped else found

    def _framed(self, pieces: np.ndarray, length: int) -> np.ndarray:
        return np.concatenate([self.special[:1], pieces[: length - 2], self.special[1:]]).astype(np.uint32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, list[int]]:
        row = self.rows[number]
        return {"input_ids": row.tolist(), "special_tokens_mask": np.isin(row, self.special).astype(int).tolist()}


def _sentences(store: Store, most: int) -> Iterable[np.ndarray]:
    for files in store.blocks(TRAIN)[:most]:
        block = store.read(files)
        yield from np.split(block.tokens, block.sentence_offsets[1:-1])


def trainer(job: dict[str, Any]) -> dict[str, Any]:
    """Steady speed: from the tenth part of the time on, until the time is over."""
    if not _has_accelerate():
        return {"remark": MISSING}
    watch = fitted(job, steps=10**6, seconds=job["seconds"], blocks=1)["watch"]
    figures = {"tokens/s": watch.rate(), "useful": watch.useful_share(), "steps": watch.steps}
    return figures | {"precision": their_precision(job)} | memory()


def their_precision(job: dict[str, Any]) -> str:
    return fastest() if job["form"] == "best" else "fp32"


def trainer_run(job: dict[str, Any]) -> dict[str, Any]:
    """So many minutes with its own linear schedule, at the rate and warm-up of our recipe of that size."""
    if not _has_accelerate():
        return {"remark": MISSING}
    job |= {"architecture": {"name": "bert", "size": "mini"}}
    probe = fitted(job, steps=10**6, seconds=20.0, blocks=1)["watch"]
    steps = max(PROBE, round(60 * job["minutes"] * probe.steps_a_second()))
    started = time.perf_counter()
    found = fitted(job, steps=steps, seconds=None, blocks=10**6)
    minutes = (time.perf_counter() - started) / 60
    found["model"].save_pretrained(job["model"])
    found["tokenizer"].save_pretrained(job["model"])
    curve = [[minutes * entry["step"] / steps, entry["loss"]] for entry in found["history"] if "loss" in entry]
    figures = {"minutes": minutes, "steps": steps, "tokens": found["watch"].tokens()}
    return figures | {"precision": their_precision(job), "curve": curve} | memory()


def fitted(job: dict[str, Any], *, steps: int, seconds: float | None, blocks: int) -> dict[str, Any]:
    """Trains with `Trainer` until `steps` or `seconds` are over."""
    from transformers import (
        AutoTokenizer,
        BertForMaskedLM,
        DataCollatorForLanguageModeling,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    folders, best = {name: Path(place) for name, place in job["folders"].items()}, job["form"] == "best"
    info, tokenizer = tokenizer_info(folders["tokenizer"]), AutoTokenizer.from_pretrained(folders["tokenizer"])
    torch.manual_seed(0)
    model = BertForMaskedLM(_bert_config(job["architecture"], info))
    lines = Lines(Store(folders["dataset"]), info, job["length"], grouped=best, most=blocks)
    watch = clock(seconds)
    arguments = TrainingArguments(
        output_dir=f"{job['out']}/trainer", max_steps=steps, per_device_train_batch_size=job["rows"], bf16=their_precision(job) == "bf16",
        use_cpu=not torch.cuda.is_available(), learning_rate=5e-4, warmup_steps=round(0.05 * steps), weight_decay=0.01,
        save_strategy="no", report_to=[], disable_tqdm=True, logging_steps=max(1, min(steps, 10_000) // 100), seed=0,
    )  # fmt: skip

    class Counting(Trainer):
        def training_step(self, model: Any, inputs: Any, *others: Any, **named: Any) -> Any:
            watch.count(inputs["attention_mask"])
            return super().training_step(model, inputs, *others, **named)

    fitting = Counting(
        model=model, args=arguments, train_dataset=lines, data_collator=DataCollatorForLanguageModeling(tokenizer),
        callbacks=[watch],
    )  # fmt: skip
    fitting.remove_callback(PrinterCallback)
    fitting.train()
    return {"watch": watch, "model": model, "tokenizer": tokenizer, "history": fitting.state.log_history}


def _bert_config(architecture: dict[str, Any], info: TokenizerInfo) -> Any:
    """That of our own model, with transformers' own choice of attention."""
    described = ARCHITECTURES[architecture["name"]]
    shape = ModelSpec(info.vocab_size, info.pad_id, info.cls_id, info.sep_id, LENGTH)
    with torch.device("meta"):
        model: Any = described.build(described.named_sizes[architecture["size"]], shape, ("tokens", "sequence_pair"))
    config = model.transformer.config
    config._attn_implementation = "sdpa"
    return config


def clock(seconds: float | None) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Counts useful tokens after each step and stops in time. Waits for the device only where time is taken."""

        def __init__(self) -> None:
            self.counted: list[torch.Tensor] = []
            self.positions, self.steps, self.first = 0, 0, 0
            self.begun: float | None = None
            self.ended = 0.0

        def count(self, mask: torch.Tensor) -> None:
            self.counted.append(mask.sum())
            self.positions += mask.numel()

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self._started = time.perf_counter()

        def on_step_end(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            self.steps = state.global_step
            passed = time.perf_counter() - self._started
            if self.begun is None and self.steps >= 3 and passed > 0.1 * (seconds or 0):
                self.begun, self.first = _now(), len(self.counted)
            if seconds is not None and passed > seconds and self.steps >= PROBE:
                control.should_training_stop = True
            if control.should_training_stop or self.steps == state.max_steps:
                self.ended = _now()

        def tokens(self) -> int:
            return int(sum(int(count) for count in self.counted))

        def rate(self) -> float:
            assert self.begun is not None
            return sum(int(count) for count in self.counted[self.first :]) / (self.ended - self.begun)

        def steps_a_second(self) -> float:
            assert self.begun is not None
            return (len(self.counted) - self.first) / (self.ended - self.begun)

        def useful_share(self) -> float:
            return self.tokens() / self.positions

    return Clock()


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _has_accelerate() -> bool:
    from transformers.utils import is_accelerate_available

    return bool(is_accelerate_available())


# --- both ------------------------------------------------------------------------------------------------------------


def memory() -> dict[str, Any]:
    """Peak of this process, and of its GPU."""
    found = {"peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}
    if torch.cuda.is_available():
        found["peak GPU MiB"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found


@torch.no_grad()
def validation(job: dict[str, Any]) -> dict[str, Any]:
    """MLM loss (nats) of an exported folder on full rows of validation text, 15 % masked: by plain transformers."""
    from transformers import AutoModelForMaskedLM

    config = PretrainConfig.parse(
        {
            "objective": {"name": "mlm"},
            "architecture": {"name": "bert", "size": "mini"},
            "phases": [{"max_length": job["length"], "batch_size": 32}],
            "max_steps": 1,
        }
    )
    info = tokenizer_info(Path(job["folders"]["tokenizer"]))
    with quiet():
        model = AutoModelForMaskedLM.from_pretrained(job["model"]).eval()
    total, count = 0.0, 0
    for batch in validation_batches(Store(Path(job["folders"]["dataset"])), OBJECTIVES["mlm"], config, info):
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long()).logits
        labels = batch["labels"].flatten()
        total += float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels, reduction="sum"))
        count += int((labels != IGNORE_INDEX).sum())
    return {"validation loss": total / count}


PARTS: dict[str, Callable[[dict[str, Path]], Rows]] = {
    "speed": speed,
    "quality": quality,
    "shared": shared,
    "precisions": precisions,
    "optimizers": optimizers,
}
JOBS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ours": ours,
    "our_run": our_run,
    "trainer": trainer,
    "trainer_run": trainer_run,
    "validation": validation,
    "optimized": optimized,
}

if __name__ == "__main__":
    main()
