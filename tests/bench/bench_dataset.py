"""`make bench-dataset`: batches, plans and the token store, beside Hugging Face's collator and bare `encode_batch_fast`.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`), BENCH some of the parts below, BENCH_RECIPE the recipe whose
first three stages give the store (`bert-small`; with `quickstart` no data is needed, and the figures mean little). Prints tables
and saves `build/bench/dataset.json`. Run it on an idle machine; what the first three stages made is kept in
`build/bench/artifacts`.
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from torch.utils.data import DataLoader

from kobert_pipeline.artifacts import Identity, Workspace, read_json, read_manifest, write_json
from kobert_pipeline.dataset.build import build
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.segment_pairs import segment_pairs
from kobert_pipeline.dataset.sentence_order import sentence_order
from kobert_pipeline.dataset.store import SENTENCES_PER_BLOCK, TRAIN, Block, Store
from kobert_pipeline.execution import ExecutionConfig, Meter
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.facts import tokenizer_facts
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from tokenizer.load import load_tokenizer

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
RECIPE = os.environ.get("BENCH_RECIPE", "bert-small")
ROOT = Path("build/bench/artifacts")
WORK = Path("build/bench/work-dataset")
RESULT = Path("build/bench/dataset.json")
SHAPES = ((64, 512), (256, 128))
UNITS = ("subword", "eojeol", "span")
SECONDS = 5.0
"""Each rate is taken over so long, after a first batch."""


def main() -> None:
    if RECIPE != "quickstart" and not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    os.environ.setdefault("KOBERT_CORPUS", str(DATA / "raw"))
    logging.disable(logging.WARNING)
    folders = run(load_recipe(RECIPE, ("klue_eval.data=package:klue_eval/sample",)), ROOT, until="dataset")
    figures = read_json(RESULT) if RESULT.exists() else {}
    for part in os.environ.get("BENCH", "batches plans store").split():
        figures[part] = PARTS[part](folders)
        write_json(RESULT, figures)
        print(f"\n{part}\n{table(figures[part])}", flush=True)  # noqa: T201


def table(rows: list[dict[str, Any]]) -> str:
    head = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name, "")) for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *cells])


def _shown(value: Any) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


# --- batches ---------------------------------------------------------------------------------------------------------


def batches(folders: dict[str, Path]) -> list[dict[str, Any]]:
    """BERT pairs with masking as torch tensors: our stream in this process and behind one worker, and Hugging Face's collator
    over a `datasets` dataset of the same pairs."""
    rows = []
    for size, length in SHAPES:
        shape = f"{size} x {length}"
        for unit in UNITS:
            rows.append(measured(f"{shape}, ours, {unit}", stream(folders, size, length, unit)))
        worker = DataLoader(stream(folders, size, length), batch_size=None, num_workers=1)
        rows.append(measured(f"{shape}, ours, one worker", worker))
        rows.append(measured(f"{shape}, Hugging Face", hugging_face(folders, size, length)))
        for row in rows[-len(UNITS) - 2 :]:
            row["times Hugging Face"] = row["tokens/s"] / rows[-1]["tokens/s"]
    return rows


def stream(folders: dict[str, Path], size: int, length: int, unit: str = "subword") -> BatchStream:
    config = PretrainConfig.parse(
        {
            "objective": {"name": "mlm_nsp", "unit": unit},
            "architecture": {"name": "bert", "size": "mini"},
            "phases": [{"max_length": length, "batch_size": size}],
            "max_steps": 1,
        }
    )
    return BatchStream(
        Store(folders["dataset"]), OBJECTIVES["mlm_nsp"], config, tokenizer_facts(folders["tokenizer"]), 0
    )


def measured(what: str, drawn: Iterable[Any]) -> dict[str, Any]:
    source = iter(drawn)
    next(source)
    count, tokens, started = 0, 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        item = next(source)
        batch = item[0] if isinstance(item, tuple | list) else item
        count, tokens = count + 1, tokens + int(batch["attention_mask"].sum())
    seconds = time.perf_counter() - started
    return {"what": what, "batches/s": count / seconds, "tokens/s": round(tokens / seconds)}


def hugging_face(folders: dict[str, Path], size: int, length: int) -> Iterable[Any]:
    """Batches without end. The pairs are those of our first block, planned once."""
    import datasets
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    ours, facts = stream(folders, size, length), tokenizer_facts(folders["tokenizer"])
    examples = segment_pairs(ours.store.read(ours.blocks[0]), PlanContext(0, 0, 0, 0, length))
    rows = assemble(examples, np.arange(min(len(examples), 100 * size)), facts, numbered=True)
    lengths = rows.attention_mask.sum(axis=1).tolist()
    columns = {"input_ids": rows.input_ids, "token_type_ids": rows.token_type_ids}
    cut = {name: [row[:end] for row, end in zip(values, lengths, strict=True)] for name, values in columns.items()}
    cut["next_sentence_label"] = examples.labels["next_sentence_label"][: len(lengths)].tolist()
    dataset = datasets.Dataset.from_dict(cut)
    collator = DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained(folders["tokenizer"]))
    loader = DataLoader(dataset, batch_size=size, shuffle=True, collate_fn=collator, drop_last=len(dataset) > size)
    return itertools.chain.from_iterable(itertools.repeat(loader))


# --- plans -----------------------------------------------------------------------------------------------------------


def plans(folders: dict[str, Path]) -> list[dict[str, Any]]:
    """A block of 65,536 made-up sentences (12 to a document, 24 pieces, both on the average), the best of five."""
    block, rows = made_up(SENTENCES_PER_BLOCK), []
    for name, plan in (("segment_pairs", segment_pairs), ("sentence_order", sentence_order), ("full_rows", full_rows)):
        for length in (128, 512):
            seconds = [elapsed(lambda plan=plan, length=length: plan(block, PlanContext(0, 0, 0, 0, length))) for _ in range(5)]  # fmt: skip
            rows.append({"plan": name, "max_length": length, "seconds a block": min(seconds)})
    return rows


def elapsed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def made_up(sentences: int) -> Block:
    rng = np.random.default_rng(0)
    lengths = 1 + rng.poisson(23, sentences)
    borders = np.unique(np.append(rng.choice(sentences, sentences // 12, replace=False), [0, sentences]))
    documents = len(borders) - 1
    return Block(
        np.zeros(lengths.sum(), np.uint16), {}, np.append(0, np.cumsum(lengths)), borders,
        np.zeros(documents, np.uint8), np.ones(documents, dtype=bool),
    )  # fmt: skip


# --- the store -------------------------------------------------------------------------------------------------------


def store(folders: dict[str, Path]) -> list[dict[str, Any]]:
    """Tokenising alone, on as many threads as the machine has cores; the whole stage on as many processes."""
    rows = [bare(folders)]
    for morphemes in (False, True):
        config, out = DatasetConfig(morphemes=morphemes), WORK / str(morphemes)
        shutil.rmtree(out, ignore_errors=True)
        inputs = {name: read_manifest(folders[name]).fingerprint for name in ("corpora", "tokenizer")}
        with Workspace(out, Identity("dataset", 1, config.content(), inputs, 0, {})) as workspace, Meter() as meter:
            summary = build(
                config, folders["corpora"], folders["tokenizer"], workspace,
                load=load_tokenizer, execution=ExecutionConfig(),
            )  # fmt: skip
        name = "the stage, with morphemes" if morphemes else "the stage"
        lost = {key: summary[TRAIN].get(key, 0) for key in ("swallowed_eojeols", "swallowed_morphemes")}
        rows.append({"what": name, "seconds": meter.seconds, "peak MiB": round(meter.peak_mib)} | lost)
        shutil.rmtree(out, ignore_errors=True)
    for row in rows:
        row["times bare"] = row["seconds"] / rows[0]["seconds"]
    return rows


def bare(folders: dict[str, Path]) -> dict[str, Any]:
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer, seconds, size, pieces = load_tokenizer(folders["tokenizer"]), 0.0, 0, 0
    for shard in sorted((folders["corpora"] / "shards").glob("*.parquet")):
        lists = pq.read_table(shard, columns=["sentences"])["sentences"].to_pylist()
        sentences = list(itertools.chain.from_iterable(lists))
        size += sum(len(sentence.encode()) for sentence in sentences)
        started = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(sentences, add_special_tokens=False)
        seconds += time.perf_counter() - started
        pieces += sum(map(len, encodings))
    return {"what": "encode_batch_fast", "MB": size / 1e6, "pieces": pieces, "seconds": seconds}


PARTS: dict[str, Callable[[dict[str, Path]], list[dict[str, Any]]]] = {
    "batches": batches,
    "plans": plans,
    "store": store,
}

if __name__ == "__main__":
    main()
