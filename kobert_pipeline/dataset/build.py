"""The dataset stage: tokenises every sentence once into the token store. The only I/O of this package."""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kobert_pipeline.dataset import morphemes, pieces
from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PART_OF_SPEECH
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Columns, write_shard
from kobert_pipeline.ground.artifacts import Workspace, read_manifest
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use

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
    sources = read_manifest(corpora).summary["sources"]
    vocab_size = load(tokenizer).get_vocab_size()
    for split in (TRAIN, VALIDATION, "counts"):
        (out.path / split).mkdir(exist_ok=True)
    work = partial(
        _tokenise_shard,
        config=config,
        tokenizer=tokenizer,
        load=load,
        folder=out.path,
        sources=list(sources),
        vocab_size=vocab_size,
    )
    shards = sorted((corpora / "shards").glob("*.parquet"))
    totals = _Totals(vocab_size, len(sources))
    files: dict[str, dict[str, int]] = {TRAIN: {}, VALIDATION: {}}
    with progress("dataset: tokenise", len(shards), "shards") as advance:
        for shard, counts in zip(shards, map_shards(work, shards, execution), strict=True):
            totals.add(counts)
            for split in files:
                files[split][f"{shard.stem}.arrow"] = counts[split]["sentences"]
                out.records[f"{split}/{shard.stem}.arrow"] = counts[split]["sentences"]
            advance(1)
    out.remove("counts")
    summary = {"vocab_size": vocab_size, "files": files} | _annotations(config) | totals.summary(sources)
    if not summary[TRAIN]["tokens"]:
        raise InputError("The dataset has no training text. Add documents to the corpus.")
    logger.info(
        "dataset: %s training pieces in %s sentences, %s validation, unigram entropy %.2f nats, in %.1f min",
        f"{summary[TRAIN]['tokens']:,}", f"{summary[TRAIN]['sentences']:,}", f"{summary[VALIDATION]['tokens']:,}",
        summary["unigram_entropy"], (time.monotonic() - started) / 60,
    )  # fmt: skip
    return summary


def _annotations(config: DatasetConfig) -> dict[str, Any]:
    annotations = {"annotations": list(config.annotations)}
    return annotations | ({"parts_of_speech": list(morphemes.PARTS_OF_SPEECH)} if config.morphemes else {})


class _Totals:
    """Counts of all shards, and how often each piece and each source occurs in the training split."""

    def __init__(self, vocab_size: int, sources: int) -> None:
        self.frequency = np.zeros(vocab_size, dtype=np.int64)
        self.by_source = np.zeros(sources, dtype=np.int64)
        self.counts: dict[str, Counter[str]] = {TRAIN: Counter(), VALIDATION: Counter()}

    def add(self, counts: dict[str, Any]) -> None:
        self.frequency += np.asarray(counts["frequency"])
        self.by_source += np.asarray(counts["by_source"])
        for split, counter in self.counts.items():
            counter.update(counts[split])

    def summary(self, sources: dict[str, Any]) -> dict[str, Any]:
        shares = self.frequency[self.frequency > 0] / max(1, self.frequency.sum())
        figures: dict[str, Any] = {split: dict(counter) for split, counter in self.counts.items()}
        rows = [
            {"name": name, "continuity": entry["continuity"], "tokens": count}
            for (name, entry), count in zip(sources.items(), self.by_source.tolist(), strict=True)
        ]
        return figures | {"sources": rows, "unigram_entropy": round(float(-(shares * np.log(shares)).sum()), 4)}


@functools.lru_cache(maxsize=1)
def _loaded(load: LoadTokenizer, folder: Path) -> Any:
    tokenizer = load(folder)
    tokenizer.encode_special_tokens = True  # a text that says [MASK] or [SEP] is cut like any other
    return tokenizer


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
    counts: dict[str, Any] = {}
    for split, text in _by_split(pq.read_table(shard), config.validation_share, sources).items():
        columns, counts[split] = _tokenised(text, _loaded(load, tokenizer), config, in_context=cuts_at_use(tokenizer))
        write_shard(folder / split / f"{shard.stem}.arrow", columns, vocab_size)
        if split == TRAIN:
            lengths = np.diff(columns.sentence_offsets)
            counts["frequency"] = np.bincount(columns.input_ids, minlength=vocab_size).tolist()
            by_source = np.bincount(columns.source, weights=lengths, minlength=len(sources))
            counts["by_source"] = by_source.astype(np.int64).tolist()
    write_json(marker, counts)
    return counts


Text = tuple[pa.Array, np.ndarray, np.ndarray]
"""Sentences (S,), and the number of the document and of the source of each."""


def _by_split(table: pa.Table, validation_share: float, sources: list[str]) -> dict[str, Text]:
    names, ids = table["source"].to_pylist(), table["doc_id"].to_pylist()
    lists = table["sentences"].combine_chunks()
    document = np.repeat(np.arange(len(ids)), pc.list_value_length(lists).to_numpy())
    validation = np.array([in_validation(*key, validation_share) for key in zip(ids, names, strict=True)], dtype=bool)
    source = np.array([sources.index(name) for name in names], dtype=np.int64)[document]
    wanted = {TRAIN: ~validation[document], VALIDATION: validation[document]}
    sentences = pc.list_flatten(lists)
    return {split: (sentences.filter(pa.array(own)), document[own], source[own]) for split, own in wanted.items()}


def _tokenised(
    text: Text, tokenizer: Any, config: DatasetConfig, *, in_context: bool = False
) -> tuple[Columns, dict[str, int]]:
    """The columns of one file, without sentences of which no piece is left, and what was counted."""
    sentences, document, source = text
    eojeols = pieces.split_eojeols(sentences)
    if in_context:
        found = pieces.cut_in_context(eojeols, tokenizer)
    else:
        found = pieces.cut(eojeols, tokenizer, with_characters=config.morphemes)
    annotations = {EOJEOL_START: found.eojeol_start}
    filled = np.diff(found.sentence_offsets) > 0
    counts = {
        "documents": len(np.unique(document[filled])),
        "sentences": int(filled.sum()),
        "tokens": len(found.input_ids),
        "empty_sentences": int((~filled).sum()),
        "swallowed_eojeols": found.swallowed,
    }
    if config.morphemes and found.characters is not None:
        starts = morphemes.annotate(found.characters, morphemes.parse(eojeols))
        annotations |= {MORPHEME_START: starts.morpheme_start, PART_OF_SPEECH: starts.part_of_speech}
        counts["swallowed_morphemes"] = starts.swallowed
    offsets = np.append(found.sentence_offsets[:-1][filled], len(found.input_ids))
    return Columns(found.input_ids, offsets, annotations, document[filled], source[filled]), counts


def in_validation(doc_id: str, source: str, share: float) -> bool:
    """Whether a document belongs to the validation split: decided by its id alone, so that more text moves no document."""
    value = int.from_bytes(hashlib.blake2b(f"{source}\n{doc_id}".encode(), digest_size=8).digest(), "big")
    return value < share * 2**64
