"""The dataset stage: tokenises every sentence once into the token store. The only I/O of this package."""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from kobert_pipeline.artifacts import Workspace, read_json, read_manifest, write_json
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, write_shard
from kobert_pipeline.errors import InputError
from kobert_pipeline.execution import LOCAL, ExecutionConfig, map_shards, progress

logger = logging.getLogger(__name__)

LoadTokenizer = Callable[[Path], Any]
"""Folder -> a `tokenizers.Tokenizer`; handed in by `stages.py`, because this package must not import that stage."""


def build(
    config: DatasetConfig,
    corpora: Path,
    tokenizer: Path,
    out: Workspace,
    *,
    load: LoadTokenizer,
    execution: ExecutionConfig = LOCAL,
) -> dict[str, Any]:
    """Fills `out` with `train/` and `validation/`. Returns the manifest's summary."""
    started = time.monotonic()
    corpus = read_manifest(corpora)
    sources = [{"name": name, "continuity": entry["continuity"]} for name, entry in corpus.summary["sources"].items()]
    vocab_size = load(tokenizer).get_vocab_size()
    for split in (TRAIN, VALIDATION, "counts"):
        (out.path / split).mkdir(exist_ok=True)
    work = partial(
        _tokenise_shard,
        config=config,
        tokenizer=tokenizer,
        load=load,
        folder=out.path,
        sources=[str(s["name"]) for s in sources],
        vocab_size=vocab_size,
    )
    shards = sorted((corpora / "shards").glob("*.parquet"))
    totals = _Totals(vocab_size)
    files: dict[str, dict[str, int]] = {TRAIN: {}, VALIDATION: {}}
    with progress("dataset: tokenise", len(shards), "shards") as advance:
        for shard, counts in zip(shards, map_shards(work, shards, execution), strict=True):
            totals.add(counts)
            for split in files:
                files[split][f"{shard.stem}.arrow"] = counts[split]["sentences"]
                out.records[f"{split}/{shard.stem}.arrow"] = counts[split]["sentences"]
            advance(1)
    out.remove("counts")
    summary = {"vocab_size": vocab_size, "sources": sources, "files": files} | totals.summary()
    if not summary[TRAIN]["pieces"]:
        raise InputError("The dataset has no training text. Add documents to the corpus.")
    logger.info(
        "dataset: %s training pieces in %s sentences, %s held out, unigram entropy %.2f nats, in %.1f min",
        f"{summary[TRAIN]['pieces']:,}", f"{summary[TRAIN]['sentences']:,}", f"{summary[VALIDATION]['pieces']:,}",
        summary["unigram_entropy"], (time.monotonic() - started) / 60,
    )  # fmt: skip
    return summary


class _Totals:
    """Counts of all shards, and how often each piece occurs in the training split."""

    def __init__(self, vocab_size: int) -> None:
        self.frequency = np.zeros(vocab_size, dtype=np.int64)
        self.counts: dict[str, Counter[str]] = {TRAIN: Counter(), VALIDATION: Counter()}

    def add(self, counts: dict[str, Any]) -> None:
        self.frequency += np.asarray(counts["frequency"])
        for split, counter in self.counts.items():
            counter.update(counts[split])

    def summary(self) -> dict[str, Any]:
        shares = self.frequency[self.frequency > 0] / max(1, self.frequency.sum())
        figures: dict[str, Any] = {split: dict(counter) for split, counter in self.counts.items()}
        return figures | {"unigram_entropy": round(float(-(shares * np.log(shares)).sum()), 4)}


@functools.lru_cache(maxsize=1)
def _loaded(load: LoadTokenizer, folder: Path) -> Any:
    return load(folder)


@dataclass
class _Columns:
    input_ids: list[list[int]]
    eojeol_start: list[list[bool]]
    document: list[int]
    source: list[int]


def _tokenise_shard(
    shard: Path,
    *,
    config: DatasetConfig,
    tokenizer: Path,
    load: LoadTokenizer,
    folder: Path,
    sources: list[str],
    vocab_size: int,
) -> dict[str, Any]:
    """One corpus shard into one file per split; the counts, written last, mark it done."""
    marker = folder / "counts" / f"{shard.stem}.json"
    if marker.exists():
        done: dict[str, Any] = read_json(marker)
        return done
    columns = {TRAIN: _Columns([], [], [], []), VALIDATION: _Columns([], [], [], [])}
    for number, row in enumerate(pq.read_table(shard, columns=["doc_id", "source", "sentences"]).to_pylist()):
        split = VALIDATION if is_held_out(row["doc_id"], row["source"], config.validation_share) else TRAIN
        _append(columns[split], row["sentences"], number, sources.index(row["source"]), _loaded(load, tokenizer))
    counts: dict[str, Any] = {"frequency": _frequency(columns[TRAIN].input_ids, vocab_size).tolist()}
    for split, part in columns.items():
        write_shard(folder / split / f"{shard.stem}.arrow", vars(part), vocab_size)
        pieces = sum(map(len, part.input_ids))
        counts[split] = {"documents": len(set(part.document)), "sentences": len(part.input_ids), "pieces": pieces}
    write_json(marker, counts)
    return counts


def _append(columns: _Columns, sentences: list[str], document: int, source: int, tokenizer: Any) -> None:
    for sentence, encoding in zip(sentences, tokenizer.encode_batch(sentences, add_special_tokens=False), strict=True):
        if encoding.ids:
            columns.input_ids.append(encoding.ids)
            columns.eojeol_start.append([start == 0 or sentence[start - 1].isspace() for start, _ in encoding.offsets])
            columns.document.append(document)
            columns.source.append(source)


def is_held_out(doc_id: str, source: str, share: float) -> bool:
    """Whether a document belongs to the validation split: decided by its id alone, so that more text moves no document."""
    value = int.from_bytes(hashlib.blake2b(f"{source}\n{doc_id}".encode(), digest_size=8).digest(), "big")
    return value < share * 2**64


def _frequency(sentences: Iterable[list[int]], vocab_size: int) -> np.ndarray:
    ids = np.fromiter((piece for sentence in sentences for piece in sentence), dtype=np.int64)
    return np.bincount(ids, minlength=vocab_size)
