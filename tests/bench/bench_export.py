"""`make bench-export`: what a classifier of YNAT's titles costs and scores as fp32 torch, bf16 torch, ONNX and ONNX int8, on one core.

KOBERT_DATA names the folder of real data (`klue/ynat-v1.tar.zst`), BENCH_MODEL an encoder (a folder, or a recipe that was run; without
it an untrained BERT 4x256), BENCH_ROWS the number of training rows (1,000). The encoder is fine-tuned once and exported. BENCH_CLASSIFIER
names a model that `kobert eval MODEL --export ynat` has fine-tuned, which is taken as it is. Then the four forms take turns, so that each sees the same machine; a figure is the median over turns of CPU seconds for a sentence, which other processes
disturb less than the clock. Prints a table and saves `build/bench/export.json`.
"""

from __future__ import annotations

import csv
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from parts import Table, run_parts

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import drawing_order, read_split
from klue_eval.heads.head import TaskModel
from klue_eval.heads.sequence import SequenceModel, squared_error
from kobert_pipeline.commands.locate import model_of
from kobert_pipeline.exporting.exported_folder import FILES, ExportOptions, export_model
from kobert_pipeline.exporting.lost_score import OnnxNetwork, read_labelled, score
from kobert_pipeline.exporting.session import Session
from kobert_pipeline.exporting.source_model import SourceModel, load_source
from kobert_pipeline.report.own_tasks_page import fine_tuned

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
WORK = Path(os.environ.get("BENCH_WORK", "build/bench/work-export"))
RESULT = Path("build/bench/export.json")
ROWS = int(os.environ.get("BENCH_ROWS", "1000"))
TURNS, SENTENCES, WATCHED = 7, 192, 200
MINI = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    run_parts({"forms": forms}, RESULT)


def forms() -> Table:
    torch.set_num_threads(1)
    model = classifier(ynat_table("few", WATCHED))
    folder = WORK / "exported"
    if not folder.is_dir():
        export_model(model, folder, ExportOptions(("onnx", "onnx-int8")))
    source = load_source(model)
    networks = {
        "fp32 torch": source.network,
        "bf16 torch": load_source(model).network.to(torch.bfloat16),
        "ONNX": OnnxNetwork(Session(folder / FILES["onnx"], threads=1), source.network.config),
        "ONNX int8": OnnxNetwork(Session(folder / FILES["onnx-int8"], threads=1), source.network.config),
    }
    data = read_labelled(source, str(ynat_table("all")))
    texts = [row["text"] for row in data.dev[:SENTENCES]]
    seconds = {size: taking_turns(source, networks, texts, size) for size in (1, 32)}
    sizes = {"ONNX": FILES["onnx"], "ONNX int8": FILES["onnx-int8"]}
    full = sum(weight.numel() for weight in source.network.parameters())
    megabytes = {"fp32 torch": 4 * full / 1e6, "bf16 torch": 2 * full / 1e6}
    megabytes |= {name: (folder / file).stat().st_size / 1e6 for name, file in sizes.items()}
    return [
        {
            "form": name, "MB": round(megabytes[name], 1),
            **{f"ms a sentence, batch {size}": 1e3 * found[name] for size, found in seconds.items()},
            **{f"times fp32, batch {size}": round(found["fp32 torch"] / found[name], 2) for size, found in seconds.items()},
            "YNAT macro F1": round(score(as_task(network), source, data), 2),
        }
        for name, network in networks.items()
    ]  # fmt: skip


def as_task(network: Any) -> TaskModel:
    return SequenceModel(network, squared_error)


def taking_turns(source: SourceModel, networks: dict[str, Any], texts: list[str], size: int) -> dict[str, float]:
    """CPU seconds of a sentence: the median over turns, after one that is not counted. Sentences of a batch are alike in length."""
    ordered = sorted(texts, key=len)
    batches = [source.batch(ordered[start : start + size]) for start in range(0, len(ordered), size)]
    found: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(1 + TURNS):
        for name, network in networks.items():
            found[name].append(cpu_seconds(lambda network=network: [network(**batch) for batch in batches]))
    return {name: statistics.median(values[1:]) / len(texts) for name, values in found.items()}


@torch.no_grad()
def cpu_seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def ynat_table(name: str, most: int | None = None) -> Path:
    """Training rows, and at most so many rows of dev."""
    path = WORK / f"ynat-{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    train = drawing_order(read_split("ynat", str(DATA / "klue"), "train").rows)[:ROWS]
    dev = read_split("ynat", str(DATA / "klue"), "dev").rows[:most]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "split"])
        for split, rows in (("train", train), ("dev", dev)):
            writer.writerows([row["title"], row["label"], split] for row in rows)
    return path


def classifier(table: Path) -> Path:
    """The encoder, fine-tuned once."""
    if "BENCH_CLASSIFIER" in os.environ:
        return Path(os.environ["BENCH_CLASSIFIER"])
    artifacts = Path(os.environ.get("KOBERT_ARTIFACTS", "artifacts"))
    model = model_of(os.environ["BENCH_MODEL"], artifacts) if "BENCH_MODEL" in os.environ else str(untrained())
    settings = {
        "tasks": [],
        "protocols": {"fine-tuning": {"seeds": 1, "evaluations_per_epoch": 1}},
        "own_tasks": {"ynat-titles": {"file": str(table)}},
    }
    evaluation = evaluate_model(model, EvaluationConfig.parse(settings), WORK / "artifacts", seed=42)
    (kept,) = fine_tuned(evaluation, WORK / "artifacts")
    return kept.folder


def untrained() -> Path:
    from transformers import BertConfig, BertModel

    from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, save_tokenizer

    folder = WORK / "untrained"
    if not folder.is_dir():
        tokenizer = auto_tokenizer(DATA / "vocabs" / "klue-bert-base")
        torch.manual_seed(0)
        BertModel(BertConfig(vocab_size=len(tokenizer), **MINI)).save_pretrained(folder)
        save_tokenizer(tokenizer, folder)
    return folder


if __name__ == "__main__":
    main()
