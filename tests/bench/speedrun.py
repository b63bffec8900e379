"""`make speedrun`: how many minutes of training on two cores a recipe needs until its validation loss is at the bar.

What is fixed: the text of `tests/real/text.yaml`, the tokenizer of `modernbert-mini` (8,192 pieces), the validation text with the
same 15 % of its tokens masked, in full rows of 128, two cores, float32. What is free: everything else that ends in a
model that plain transformers loads. The log of what was tried is `kobert_pipeline/pretrain/SPEEDRUN.md`.

    make speedrun                                                  # modernbert-mini as it is shipped
    make speedrun SPEEDRUN="longer pretrain.max_steps=1200"        # another attempt: a name, and what differs

KOBERT_DATA names the folder of real data. An attempt decides before it begins how long it is; it counts if it ends at the bar. Its
minutes are those of its steps, with the drawing of batches and without measurements on validation data. Then the model learns YNAT
from 1,000 labels. Every figure is kept in `build/speedrun/speedrun.json`. SPEEDRUN_PATCH names a candidate of
`speedrun_candidates.py`.
"""

from __future__ import annotations

import csv
import importlib
import logging
import os
import platform
import sys
from pathlib import Path
from typing import Any

import psutil
import torch
from parts import table
from systems import BUSY, FEW_LABELS, KLUE, TEXT, scored

sys.path.insert(0, str(Path(__file__).parent.parent / "real"))
from run import extract_klue

from kobert_pipeline.ground.artifacts import Identity, Workspace, artifact_folder, is_complete
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run

ROOT = Path("build/speedrun")
RESULT = ROOT / "speedrun.json"
SYSTEM = "modernbert-mini"
FIXED = ("pretrain.precision=fp32", "pretrain.measured_sentences=0")
BAR = 3.53
"""Nats per masked token: the mean of three seeds of the recipe of November 2026 after 8.2 million tokens, which take 25 minutes."""
CORES = 2

Figures = dict[str, Any]


def main(attempt: str = "", *settings: str) -> None:
    data = Path(os.environ.setdefault("KOBERT_DATA", "../shared/data"))
    if not data.is_dir():
        sys.exit(f"KOBERT_DATA names {data}, which is missing")
    os.environ["KOBERT_KLUE"] = str(extract_klue(data, Path("build/klue"), KLUE[:1]))
    logging.basicConfig(level=logging.WARNING)
    two_cores()
    if psutil.cpu_percent(5) > BUSY:
        sys.exit("The machine is busy: a speedrun is measured on an idle one.")
    figures = read_json(RESULT) if RESULT.exists() else {}
    name = attempt or SYSTEM
    figures[name] = measured(recipe_of(name, *settings), ROOT / "artifacts")
    write_json(RESULT, figures)
    figures[name] |= dict(scored(Path(figures[name]["model"]), FEW_LABELS))
    write_json(RESULT, figures)
    print(table([row_of(name, found) for name, found in figures.items()]))  # noqa: T201


def two_cores() -> None:
    """As many threads and cores as a record may have."""
    torch.set_num_threads(CORES)
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def recipe_of(attempt: str, *settings: str) -> Recipe:
    """The recipe on the fixed text. Raises RecipeError for settings that change what is fixed."""
    path = ROOT / "recipes" / f"{attempt}.yaml"
    write_text(path, f"extends: [{SYSTEM}, {TEXT}]\nname: speedrun-{attempt}\n")
    usual, found = load_recipe(str(path), FIXED), load_recipe(str(path), (*FIXED, *settings))
    for section in ("corpora", "tokenizer", "dataset"):
        if getattr(found, section) != getattr(usual, section):
            sys.exit(f"{section} is fixed: leave out its settings")
    if not found.pretrain.max_length >= usual.pretrain.phases[0].max_length == found.pretrain.phases[0].max_length:
        sys.exit(
            "Validation text is read in rows of the first phase, which have 128 tokens: set phases[0].max_length=128"
        )
    return found


def measured(recipe: Recipe, artifacts: Path) -> Figures:
    folder = trained(recipe, artifacts, os.environ.get("SPEEDRUN_PATCH", ""))
    summary = PretrainedRun(folder).summary
    return {
        "minutes": minutes_of(folder), "tokens": summary.tokens, "loss": summary.last[summary.headline],
        "parameters": summary.parameters, "machine": f"{platform.processor() or platform.machine()}, torch {torch.__version__}",
        "model": str(PretrainedRun(folder).model),
    }  # fmt: skip


def trained(recipe: Recipe, artifacts: Path, patch: str) -> Path:
    """The pretraining, which is found again if it is complete. What a candidate changes is not among the recipe's settings, so
    its run has a folder of its own."""
    if not patch:
        return run(recipe, artifacts, until="pretrain")["pretrain"]
    folders = run(recipe, artifacts, until="dataset")
    identity = Identity("pretrain", 1, recipe.pretrain.content() | {"patch": patch}, {}, recipe.seed, {})
    folder = artifact_folder(artifacts / "patched", identity)
    if not is_complete(folder):
        getattr(importlib.import_module("speedrun_candidates"), patch)()
        with Workspace(artifacts / "patched", identity) as out:
            out.finish(build(recipe.pretrain, folders["tokenizer"], folders["dataset"], out, seed=recipe.seed), {})
    return folder


def minutes_of(folder: Path) -> float:
    """Of the steps, from the speed of every row of the log."""
    tokens = {row["step"]: float(row["tokens"]) for row in rows(folder / "losses.csv")}
    seconds, before = 0.0, 0.0
    for row in rows(folder / "run" / "speed.csv"):
        seconds += (tokens[row["step"]] - before) / float(row["tokens_per_second"])
        before = tokens[row["step"]]
    return seconds / 60


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def row_of(name: str, figures: Figures) -> Figures:
    shown = {title: f"{sum(values) / len(values):.1f}" for title, values in figures.items() if isinstance(values, list)}
    return {
        "attempt": name, "minutes": figures["minutes"], "tokens": f"{figures['tokens'] / 1e6:.2f} M",
        "validation loss": figures["loss"], "at the bar": "yes" if figures["loss"] <= BAR else "no", **shown,
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
