"""`make bench-distil`: a teacher, students of half and of a quarter of its layers, and the same sizes trained alone on as many tokens.

Every row is a run of the recipe BENCH_RECIPE (`bert-mini`; `quickstart` needs no data, and its scores mean nothing) with
BENCH_TOKENS tokens of pretraining, fine-tuned on YNAT, STS and NER with BENCH_LABELS (1,000) labels at three seeds and with all at one. Runs are artifacts in
BENCH_ROOT: a run that was killed goes on where it stopped, and what is finished is not repeated. KOBERT_CORPUS and KOBERT_KLUE name
the data, BENCH_TASKS other tasks, BENCH_SETTINGS further settings (`a.b=c`, separated by spaces): `klue_eval.held_out=["ner"]` if NER has one labelled file.

Time is CPU seconds of one thread, of plain transformers on the exported folders: one sentence, and a batch of 32. Models take turns, and the
median of BENCH_ROUNDS rounds counts, so that another program on the machine slows them alike. Prints a table and saves
`build/bench/distil.json` and `distil.md` next to it after every row.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from parts import table

from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun, exported_model
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.files import write_json, write_text
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.training.quiet import quiet

RECIPE = os.environ.get("BENCH_RECIPE", "bert-mini")
TOKENS = int(float(os.environ.get("BENCH_TOKENS", "20e6")))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
ROOT = Path(os.environ.get("BENCH_ROOT", "build/bench/artifacts"))
RESULT = Path(os.environ.get("BENCH_RESULT", "build/bench/distil.json"))
SETTINGS = os.environ.get("BENCH_SETTINGS", "").split()
LABELS = int(os.environ.get("BENCH_LABELS", "1000"))
SEEDS = 3
TASKS = tuple(os.environ.get("BENCH_TASKS", "ynat sts ner").split())
BATCH, LENGTH = 32, 64
SENTENCE = "어제 서울에서 열린 회의에서는 새 도서관을 언제 열지 오래 이야기했다."


@dataclass(frozen=True)
class Row:
    """A model of the table."""

    name: str
    share: int
    """It has the teacher's layers divided by this."""
    objective: str = "mlm"


TEACHER = Row("teacher", 1)
ROWS = (
    TEACHER,
    *(
        Row(f"{size}, {how}", share, objective)
        for size, share in (("half", 2), ("quarter", 4))
        for how, objective in (("alone", "mlm"), ("distillation", "distillation"), ("layers", "layer_distillation"))
    ),
)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    teacher = recipe_of(TEACHER, "")
    found: dict[str, dict[str, Any]] = {}
    folders: dict[str, Path] = {}
    for row in ROWS:
        recipe = teacher if row is TEACHER else recipe_of(row, teacher.run_name)
        built = run(recipe, ROOT, until="klue_eval")
        folders[row.name] = exported_model(built["pretrain"])
        found[row.name] = {"parameters": PretrainedRun(built["pretrain"]).summary.parameters} | scores(
            built["klue_eval"]
        )
        save(found)
    for name, seconds in timed(folders).items():
        found[name] |= seconds
    save(found)
    print(markdown(found))  # noqa: T201


def recipe_of(row: Row, teacher: str) -> Recipe:
    """The recipe of a row. `teacher`: the name of the teacher's run."""
    base = load_recipe(RECIPE, tuple(SETTINGS))
    sizes = base.pretrain.architecture
    taught = {} if row.objective == "mlm" else {"teacher": teacher}
    protocol = {"seeds": SEEDS, "evaluations_per_epoch": 0}
    values: dict[str, Any] = {
        "pretrain.objective": {"name": row.objective, "mlm_probability": 0.3} | taught,
        "pretrain.architecture": sizes | {"layers": max(1, sizes["layers"] // row.share)},
        "pretrain.max_tokens": TOKENS,
        "klue_eval.tasks": list(TASKS),
        "klue_eval.protocols": {"few labels": protocol | {"train_rows": LABELS}, "all labels": protocol | {"seeds": 1}},
    }  # fmt: skip
    if row.objective == "layer_distillation":
        values["pretrain.objective"]["start"] = "teacher_layers"
    settings = [f"{name}={json.dumps(value)}" for name, value in values.items()]
    return load_recipe(RECIPE, (*SETTINGS, *settings), f"distil-{row.name.replace(', ', '-')}")


def scores(folder: Path) -> dict[str, float]:
    """`few labels, ynat` -> the task's first metric, the mean over seeds."""
    return {
        f"{result.protocol}, {result.task}": round(next(iter(result.metrics.values())).last_mean, 2)
        for result in Scores(folder).summary.results
    }


def timed(folders: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    """CPU milliseconds of one sentence, and sentences a CPU second in a batch; models take turns."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(next(iter(folders.values())))
    one = tokenizer([SENTENCE], return_tensors="pt")
    many = tokenizer([SENTENCE] * BATCH, return_tensors="pt", padding="max_length", max_length=LENGTH)
    with quiet():
        models = {name: AutoModel.from_pretrained(folder).eval() for name, folder in folders.items()}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for _ in range(1 + ROUNDS):
        for name, model in models.items():
            spent[name].append((seconds_of(model, one), seconds_of(model, many)))
    medians = {name: [statistics.median(kind) for kind in zip(*each[1:], strict=True)] for name, each in spent.items()}
    return {name: {"ms": 1e3 * single, "per second": BATCH / batch} for name, (single, batch) in medians.items()}


@torch.no_grad()
def seconds_of(model: Any, batch: Any) -> float:
    began = time.process_time()
    model(**batch)
    return time.process_time() - began


def save(found: Mapping[str, Any]) -> None:
    write_json(RESULT, {"recipe": RECIPE, "tokens": TOKENS, "rows": found})
    write_text(RESULT.with_suffix(".md"), markdown(found))


def markdown(found: Mapping[str, Mapping[str, Any]]) -> str:
    return table([{"model": name} | row | {"parameters": f"{row['parameters']:,}"} for name, row in found.items()])


if __name__ == "__main__":
    main()
