"""`make bench-dataset`: batches, plans, the token store and memory, compared with Hugging Face's collator, a static
builder and `encode_batch_fast` alone.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`), BENCH some of the parts below, BENCH_RECIPE the recipe
whose first three stages give the store (`bert-small`; `quickstart` needs no data, but its figures mean little).
BENCH_SCALE makes everything shorter and smaller (0.01 checks that it runs). Prints tables and saves
`build/bench/dataset.json`. Run it on an idle machine; the artifacts of the first three stages are kept in
`build/bench/artifacts`.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import made_up_store
import numpy as np
import pyarrow.parquet as pq
import static_builder
import torch
from parts import Table, run_parts
from torch.utils.data import DataLoader

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.dataset.best_fit import best_fit
from kobert_pipeline.dataset.build import build
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.segment_pairs import segment_pairs
from kobert_pipeline.dataset.sentence_order import sentence_order
from kobert_pipeline.dataset.store import SENTENCES_PER_BLOCK, TRAIN, Store
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.loader import Parcel, loader, unfold
from kobert_pipeline.pretrain.models import Models
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.training.precision import fastest
from tokenizer.load import load_tokenizer

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
RECIPE = os.environ.get("BENCH_RECIPE", "bert-small")
ROOT = Path("build/bench/artifacts")
WORK = Path("build/bench/work-dataset")
RESULT = Path("build/bench/dataset.json")
SHAPES = ((64, 512), (256, 128))
UNITS = ("subword", "eojeol", "span")
SCALE = float(os.environ.get("BENCH_SCALE", "1"))
SECONDS = 5.0 * SCALE
"""Each rate is measured over this time …"""
WARM_UP = 10
"""… after this number of batches, when every worker has started."""
STATIC_DOCUMENTS = int(2_000 * SCALE) + 2
CORPORA = {"50 MB": 50e6 * SCALE, "5 GB": 5e9 * SCALE}
"""Bytes of tokens in the stores whose memory is compared."""
EPOCH_SENTENCES = 10_000_000 * SCALE


def main() -> None:
    if RECIPE != "quickstart" and not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    os.environ.setdefault("KOBERT_CORPUS", str(DATA / "raw"))
    logging.disable(logging.WARNING)
    folders = run(load_recipe(RECIPE, ("klue_eval.data=package:klue_eval/sample",)), ROOT, until="dataset")
    run_parts({name: partial(part, folders) for name, part in PARTS.items()}, RESULT)


# --- batches ---------------------------------------------------------------------------------------------------------


def batches(folders: dict[str, Path]) -> Table:
    """BERT pairs with masking as torch tensors: our stream in this process and in workers, a static builder, and
    Hugging Face's collator over a `datasets` dataset of the same pairs."""
    rows = []
    for size, length in SHAPES:
        shape = f"{size} x {length}"
        for unit in UNITS:
            rows.append(measured(f"{shape}, ours, {unit}", stream(folders, size, length, unit)))
        for workers in (1, 2):
            drawn = loader(stream(folders, size, length), workers)
            rows.append(measured(f"{shape}, ours, workers: {workers}", drawn))
        rows.append(static(folders, size, length))
        rows.append(measured(f"{shape}, Hugging Face", hugging_face(folders, size, length)))
        for row in rows[-len(UNITS) - 4 :]:
            row["times Hugging Face"] = row["tokens/s"] / rows[-1]["tokens/s"]
    return rows


def stream(
    folders: dict[str, Path], size: int, length: int, unit: str = "subword", row_length: int | None = None
) -> BatchStream:
    config = PretrainConfig.parse(
        {
            "objective": {"name": "mlm_nsp", "unit": unit},
            "architecture": {"name": "bert", "size": "mini"},
            "phases": [{"max_length": length, "batch_size": size, "row_length": row_length}],
            "max_steps": 1,
        }
    )
    return BatchStream(
        Store(folders["dataset"]), OBJECTIVES["mlm_nsp"], config, tokenizer_info(folders["tokenizer"]), 0
    )


def measured(what: str, drawn: Iterable[Any], seconds: float = SECONDS) -> dict[str, Any]:
    source = iter(drawn)
    for _ in range(WARM_UP):
        next(source)
    count, tokens, started = 0, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        batch = as_batch(next(source))
        count, tokens = count + 1, tokens + int(batch["attention_mask"].sum())
    taken = time.perf_counter() - started
    return {"what": what, "batches/s": count / taken, "tokens/s": round(tokens / taken)}


def as_batch(item: Any) -> Any:
    """Returns the batch that training gets: without its cursor, and unfolded if it comes from a worker."""
    batch = item[0] if isinstance(item, tuple | list) else item
    return unfold(batch) if isinstance(batch, Parcel) else batch


def static(folders: dict[str, Path], size: int, length: int) -> dict[str, Any]:
    """Builds examples once, which every epoch would read again with the same masks. Neither tokenising nor writing is
    counted."""
    opened, info = Store(folders["dataset"]), tokenizer_info(folders["tokenizer"])
    block = opened.read(opened.blocks(TRAIN)[0])
    tokens, offsets = block.tokens.tolist(), block.sentence_offsets.tolist()
    documents = [
        [tokens[offsets[number] : offsets[number + 1]] for number in range(first, stop)]
        for first, stop in itertools.pairwise(block.document_offsets[: STATIC_DOCUMENTS + 1].tolist())
    ]
    settings = static_builder.Settings(
        length, round(0.15 * length), info.cls_id, info.sep_id, info.mask_id, info.replacements.tolist()
    )
    started = time.perf_counter()
    built = static_builder.examples(documents, settings)
    seconds = time.perf_counter() - started
    return {
        "what": f"{size} x {length}, static builder, once",
        "batches/s": len(built["input_ids"]) / size / seconds,
        "tokens/s": round(int(built["input_mask"].sum()) / seconds),
    }


def hugging_face(folders: dict[str, Path], size: int, length: int) -> Iterable[Any]:
    """Yields batches without end. The pairs are those of our first block, planned once."""
    import datasets
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    ours, info = stream(folders, size, length), tokenizer_info(folders["tokenizer"])
    examples = segment_pairs(ours.store.read(ours.blocks[0]), PlanContext(0, 0, 0, 0, length))
    rows = assemble(examples, np.arange(min(len(examples), 100 * size)), info, numbered=True)
    lengths = rows.attention_mask.sum(axis=1).tolist()
    columns = {"input_ids": rows.input_ids, "token_type_ids": rows.token_type_ids}
    cut = {name: [row[:end] for row, end in zip(values, lengths, strict=True)] for name, values in columns.items()}
    cut["next_sentence_label"] = examples.labels["next_sentence_label"][: len(lengths)].tolist()
    dataset = datasets.Dataset.from_dict(cut)
    collator = DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained(folders["tokenizer"]))
    batched = DataLoader(dataset, batch_size=size, shuffle=True, collate_fn=collator, drop_last=len(dataset) > size)
    return itertools.chain.from_iterable(itertools.repeat(batched))


# --- waiting for batches ---------------------------------------------------------------------------------------------


def waiting(folders: dict[str, Path]) -> Table:
    """How long a training step of `bert-mini` waits for its batch, drawn in the same process."""
    size, length = 32, 128
    drawn, info = iter(stream(folders, size, length)), tokenizer_info(folders["tokenizer"])
    objective, bert = OBJECTIVES["mlm_nsp"], ARCHITECTURES["bert"]
    options = objective.options()
    spec = ModelSpec(info.vocab_size, info.pad_id, info.cls_id, info.sep_id, length)
    model = Models({"student": bert.build(bert.named_sizes["mini"], spec, objective.heads(options))})
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    spent = {"waiting": 0.0, "computing": 0.0}
    steps, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < 4 * SECONDS:
        started = time.perf_counter()
        batch, _ = next(drawn)
        drawn_at = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=fastest() == "bf16"):
            total_loss(objective.loss(model, batch, torch.Generator(), options)).backward()
        optimizer.step()
        optimizer.zero_grad()
        spent["waiting"] += drawn_at - started
        spent["computing"] += time.perf_counter() - drawn_at
        steps += 1
    whole = sum(spent.values())
    return [
        {
            "what": f"bert-mini, {size} x {length}",
            "seconds per step": whole / steps,
            "waiting": spent["waiting"] / whole,
        }
    ]


# --- plans -----------------------------------------------------------------------------------------------------------


def plans(folders: dict[str, Path]) -> Table:
    """A block of 65,536 made-up sentences (12 per document, 24 tokens each, both on average), best of five."""
    block, rows = made_up_store.block(), []
    for name, plan in (("segment_pairs", segment_pairs), ("sentence_order", sentence_order), ("full_rows", full_rows)):
        for length in (128, 512):
            seconds = [elapsed(lambda plan=plan, length=length: plan(block, PlanContext(0, 0, 0, 0, length))) for _ in range(5)]  # fmt: skip
            rows.append({"plan": name, "max_length": length, "seconds per block": min(seconds)})
    return rows


def elapsed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# --- packing ---------------------------------------------------------------------------------------------------------


def packing(folders: dict[str, Path]) -> Table:
    """Rows of the store's first block: how full, how long packing takes, and batches of them."""
    rows = []
    for length, row_length in ((128, 512), (256, 512), (512, 512), (512, 1_024)):
        batch_size = 64 * 512 // row_length
        drawn = stream(folders, batch_size, length, row_length=row_length)
        lengths = drawn._plan(0, epoch=0, phase=0).lengths
        rng = np.random.default_rng(0)
        seconds = min(elapsed(lambda given=(lengths, row_length, rng): best_fit(*given)) for _ in range(5))
        packed = best_fit(lengths, row_length, rng)
        rows.append(
            measured(f"{length} in rows of {row_length}", drawn)
            | {
                "positions used": float(lengths.sum() / (len(packed) * row_length)),
                "padded to the longest, used": float(lengths.mean() / lengths.max()),
                "examples per row": len(lengths) / len(packed),
                "seconds per block": seconds,
            }
        )
    return rows


# --- the store -------------------------------------------------------------------------------------------------------


def store(folders: dict[str, Path]) -> Table:
    """Tokenising alone on one thread per core, and the whole stage on one process per core."""
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
        swallowed = {key: summary[TRAIN].get(key, 0) for key in ("swallowed_eojeols", "swallowed_morphemes")}
        rows.append({"what": name, "seconds": meter.seconds, "peak MiB": round(meter.peak_mib)} | swallowed)
        shutil.rmtree(out, ignore_errors=True)
    for row in rows:
        row["times the tokenizer alone"] = row["seconds"] / rows[0]["seconds"]
    return rows


def bare(folders: dict[str, Path]) -> dict[str, Any]:
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer, seconds, size, tokens = load_tokenizer(folders["tokenizer"]), 0.0, 0, 0
    for shard in sorted((folders["corpora"] / "shards").glob("*.parquet")):
        lists = pq.read_table(shard, columns=["sentences"])["sentences"].to_pylist()
        sentences = list(itertools.chain.from_iterable(lists))
        size += sum(len(sentence.encode()) for sentence in sentences)
        started = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(sentences, add_special_tokens=False)
        seconds += time.perf_counter() - started
        tokens += sum(map(len, encodings))
    return {"what": "encode_batch_fast", "MB": size / 1e6, "tokens": tokens, "seconds": seconds}


# --- memory ----------------------------------------------------------------------------------------------------------


def memory(folders: dict[str, Path]) -> Table:
    """Resident memory, mapped files included, of a fresh process that draws batches from a small and a large store, and
    of one that plans an epoch of ten million sentences. The stores are made up, and are removed afterwards."""
    vocab_size = Store(folders["dataset"]).vocab_size
    a_file = 2 * len(made_up_store.block().tokens)
    jobs = [(f"drawing, {name} of tokens", draws, round(size / a_file)) for name, size in CORPORA.items()]
    jobs.append(("planning an epoch", plans_an_epoch, round(EPOCH_SENTENCES / SENTENCES_PER_BLOCK)))
    rows = []
    for what, work, files in jobs:
        shutil.rmtree(WORK, ignore_errors=True)
        try:
            made = folders | {"dataset": made_up_store.build(WORK, folders["tokenizer"], max(1, files), vocab_size)}
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append({"what": what} | pool.apply(work, (made,)))
        finally:
            shutil.rmtree(WORK, ignore_errors=True)
    return rows


def draws(folders: dict[str, Path]) -> dict[str, Any]:
    """Draws large batches for half a minute, to pass many blocks."""
    with Meter() as meter:
        drawn, sentences = stream(folders, 1_024, 512), Store(folders["dataset"]).summary.train.sentences
        row = {"sentences": sentences} | measured("", drawn, 6 * SECONDS)
    del row["what"]
    return row | {"blocks": drawn.cursor.epoch * len(drawn.blocks) + drawn.cursor.position + 1, "peak MiB": round(meter.peak_mib)}  # fmt: skip


def plans_an_epoch(folders: dict[str, Path]) -> dict[str, Any]:
    with Meter() as meter:
        drawn = stream(folders, 256, 128)
        examples = sum(len(drawn._plan(block, epoch=0, phase=0)) for block in range(len(drawn.blocks)))
    return {
        "sentences": drawn.store.summary.train.sentences, "blocks": len(drawn.blocks), "examples": examples,
        "seconds": meter.seconds, "peak MiB": round(meter.peak_mib),
    }  # fmt: skip


PARTS: dict[str, Callable[[dict[str, Path]], Table]] = {
    "batches": batches,
    "waiting": waiting,
    "plans": plans,
    "packing": packing,
    "store": store,
    "memory": memory,
}

if __name__ == "__main__":
    main()
