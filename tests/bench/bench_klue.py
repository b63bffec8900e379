"""`make bench-klue`: the metrics of known predictions on the released files, and the speed of fine-tuning.

KOBERT_DATA names the folder of real data (`klue/*.tar.zst`, `vocabs/klue-bert-base`), BENCH some of the parts below,
BENCH_MODEL an encoder to fine-tune instead of an untrained BERT 4x256. `metrics` scores predictions with deliberate errors
and compares the scores with recorded ones. `throughput` fine-tunes one model on the same rows in two ways: ours, and that
of KLUE's released code (each row padded to the task's whole length, float32). `table`, if named, compares the whole table
with another checkout's. Prints tables and saves `build/bench/klue.json`. Run it on an idle machine: it takes about ten minutes.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from klue_table import whole_table
from parts import Table, run_parts
from torch import nn

from klue_eval.batches import Batch, Encoded, batch_of, encode_rows
from klue_eval.data import ONLY, drawing_order, read_split
from klue_eval.encoders import load_model, load_tokenizer
from klue_eval.finetune import CLIP, Trial, finetune
from klue_eval.heads import HEADS
from klue_eval.heads.head import IGNORED
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from klue_eval.values import Row
from kobert_pipeline.training.optimizer import adamw
from tokenizer.load import open_tokenizer

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
KLUE = str(DATA / "klue")
WORK = Path("build/bench/work-klue")
RESULT = Path("build/bench/klue.json")
MINI = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
ROWS = {"ynat": ("train", 2_048, 24), "ner": (ONLY, 512, 6)}
"""Task -> split, rows, and the number of batches of the slow way that are timed, after a first one."""


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    run_parts(PARTS, RESULT, usual="metrics throughput")


# --- metrics ---------------------------------------------------------------------------------------------------------


def metrics() -> Table:
    """Predictions with deliberate errors: the official and the corrected score, and the recorded official one."""
    return [
        case("ner", "O everywhere", "character_f1", 6.77, lambda row: ["O"] * len(row["characters"])),
        case("dp", "one wrong head in all of dev", "las", 94.1, with_one_wrong_head()),
        case("sts", "5 for a paraphrase, 0 for none", "f1", 100.0, lambda row: 5.0 * row["labels"]["binary-label"]),
        case("mrc", "no quotation marks around answers", "exact_match", None, lambda row: bare(gold("mrc", row))),
        case("wos", "an empty state throughout", "slot_f1", None, lambda row: [[] for _ in gold("wos", row)]),
        case("re", "no relation anywhere", "micro_f1", 0.0, lambda row: ("no_relation", [1.0, *[0.0] * 29])),
        case("ynat", "정치 everywhere", "macro_f1", None, lambda row: "정치"),
        case("nli", "neutral everywhere", "accuracy", None, lambda row: "neutral"),
        *(case(name, "perfect", TASKS[name].primary_metric, 100.0, partial(gold, name)) for name in TASKS),
    ]


def case(name: str, errors: str, metric: str, recorded: float | None, predict: Callable[[Row], Any]) -> dict[str, Any]:
    rows, arithmetic = dev(name), TASKS[name].metrics
    predictions = [predict(row) for row in rows]
    started = time.perf_counter()
    official = arithmetic.official(predictions, rows)[metric]
    seconds = time.perf_counter() - started
    corrected = arithmetic.corrected(predictions, rows)[metric]
    row = {"task": name, "errors": errors, "metric": metric, "rows": len(rows), "official": official}
    others = {"corrected": corrected, "seconds": seconds}
    return row | ({} if recorded is None else {"recorded": recorded, "difference": abs(official - recorded)}) | others


def dev(name: str) -> list[Row]:
    return read_split(name, KLUE, ONLY).rows


def gold(name: str, row: Row) -> Any:
    return TASKS[name].gold(row)


def bare(answer: str) -> str:
    return answer.strip("《》〈〉‘’“”")


def with_one_wrong_head() -> Callable[[Row], Any]:
    """Gives the first eojeol of the first row another head. Everything else is right."""
    first = dev("dp")[0]["guid"]

    def predict(row: Row) -> Any:
        arcs = gold("dp", row)
        head, relation = arcs[0]
        return [(0 if head else 2, relation), *arcs[1:]] if row["guid"] == first else arcs

    return predict


# --- throughput ------------------------------------------------------------------------------------------------------


def throughput() -> Table:
    """Training rows per second, with the threads that torch chooses, best of two."""
    folder = encoder()
    results = []
    for name, (split, rows, batches) in ROWS.items():
        drawn = drawing_order(read_split(name, KLUE, split).rows)[:rows]
        ours = max(our_way(folder, name, drawn) for _ in range(2))
        released = max(released_way(folder, name, drawn, batches) for _ in range(2))
        results.append({"task": name, "rows/s": ours, "rows/s, released way": released, "times": ours / released})
    return results


def encoder() -> Path:
    """BENCH_MODEL, else an untrained mini BERT with the pieces of klue/bert-base."""
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    if os.environ.get("BENCH_MODEL"):
        return Path(os.environ["BENCH_MODEL"])
    core = open_tokenizer(str(DATA / "vocabs" / "klue-bert-base"))
    names = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    folder = WORK / "bert-mini"
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=core.get_vocab_size(), **MINI)).save_pretrained(folder)
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    PreTrainedTokenizerFast(tokenizer_object=core, model_input_names=inputs, **names).save_pretrained(folder)
    return folder


def our_way(folder: Path, name: str, rows: list[Row]) -> float:
    settings = TASKS[name].defaults.model_copy(update={"epochs": 1})
    trial = Trial(TASKS[name], settings, "pretrained", 42, 0, "auto")
    return finetune(folder, trial, rows, rows[:1]).rows_per_second


def released_way(folder: Path, name: str, rows: list[Row], batches: int) -> float:
    task, settings = TASKS[name], TASKS[name].defaults
    torch.manual_seed(42)
    reader = Reader(load_tokenizer(folder), settings.max_length)
    model = load_model(task, folder, "pretrained", settings, reader).train()
    optimizer = adamw(model, learning_rate=settings.learning_rate, weight_decay=settings.weight_decay)
    encoded = encode_rows(task, rows, reader, settings)
    started, seen = 0.0, 0
    for number, batch in enumerate(whole_length(encoded, HEADS[task.head].collate, settings)):
        if number == 1:
            started = time.perf_counter()
        elif number > batches:
            break
        optimizer.zero_grad()
        model.loss(**batch).backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        seen += len(batch["inputs"]["input_ids"]) if number else 0
    return seen / (time.perf_counter() - started)


def whole_length(encoded: Encoded, collate: Any, settings: Any) -> Iterator[Batch]:
    """Yields batches in random order, with every row padded to `max_length`."""
    order = np.random.default_rng(42).permutation(len(encoded.examples))
    fillers = {**encoded.padding, "attention_mask": 0}
    for start in range(0, len(order), settings.batch_size):
        batch = batch_of(encoded, order[start : start + settings.batch_size], collate)
        inputs = {name: widened(column, settings.max_length, fillers[name]) for name, column in batch["inputs"].items()}
        labels = {
            name: widened(column, settings.max_length, IGNORED) if column.ndim == 2 else column
            for name, column in batch["labels"].items()
        }
        yield {"inputs": inputs, "labels": labels}


def widened(column: torch.Tensor, length: int, filler: int) -> torch.Tensor:
    return nn.functional.pad(column, (0, length - column.shape[1]), value=filler)


PARTS: dict[str, Callable[[], Table]] = {
    "metrics": metrics, "throughput": throughput, "table": lambda: whole_table(encoder()),
}  # fmt: skip

if __name__ == "__main__":
    main()
