"""Third phase: documents become sentences; sentences of the evaluation data and repeated sentences are dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpora.config import CorporaConfig
from corpora.phases.decontamination import overlap
from corpora.phases.duplicates import digests, first_occurrences
from corpora.sentences import Splitter, paragraph_ends, sentence_spans
from corpora.shards import SENTENCES, SHARDS, WORK, Flags, save, shard_name, write_rows
from corpora.shingles import Hashes, letters
from corpora.tally import Tally
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress

FILES = (".split", ".contaminated.npy", ".short.npy", ".sentences.npy")
"""Files of a shard that was split. The last is written last."""


@dataclass(frozen=True)
class CleanShard:
    """A shard of cleaned documents."""

    number: int
    kept: Flags
    """Which of its documents stay."""


@dataclass(frozen=True)
class SplitShard:
    """A shard of split documents."""

    number: int
    first: Flags
    """Which of its sentences occur for the first time."""


def write_sentences(
    config: CorporaConfig,
    out: Workspace,
    kept: Sequence[Flags],
    ngrams: Hashes,
    tally: Tally,
    execution: ExecutionConfig,
) -> None:
    """Splits the documents that stay, drops sentences, and writes `shards/NNNNN.parquet`."""
    work = out.path / WORK
    save(work / "ngrams.npy", ngrams)
    splits = [CleanShard(number, flags) for number, flags in enumerate(kept)]
    split = partial(_split_shard, folder=work, config=config)
    sizes = []
    with progress("corpora: split into sentences", float(sum(map(np.sum, kept))), "documents") as advance:
        for shard, size in zip(splits, map_shards(split, splits, execution), strict=True):
            sizes.append(size)
            advance(float(shard.kept.sum()))
    first = np.split(_first_sentences(config, work, sizes), np.cumsum(sizes)[:-1])
    finals = [SplitShard(number, flags) for number, flags in enumerate(first)]
    (out.path / SHARDS).mkdir(exist_ok=True)
    for number, part in enumerate(map_shards(partial(_final_shard, folder=out.path), finals, execution)):
        tally.add(part)
        out.records[f"{SHARDS}/{shard_name(number)}.parquet"] = part["documents"]


def _split_shard(shard: CleanShard, *, folder: Path, config: CorporaConfig) -> int:
    """Splits one shard into `NNNNN.split` and returns its number of sentences.

    The file of their digests, written last, marks the shard as done.
    """
    source = folder / f"{shard_name(shard.number)}.parquet"
    marker = source.with_suffix(".sentences.npy")
    if not all(source.with_suffix(ending).exists() for ending in FILES):
        rows = pq.read_table(source).filter(pa.array(shard.kept, pa.bool_())).to_pylist()
        for row in rows:
            row["sentences"], row["paragraph_end"] = split(row.pop("text"), config.splitter)
        bare = letters([sentence for row in rows for sentence in row["sentences"]])
        shares = overlap(bare, np.load(folder / "ngrams.npy", mmap_mode="r"))
        lengths = np.array([len(text) for text in bare], np.int64)
        save(source.with_suffix(".contaminated.npy"), shares >= config.decontaminate.min_overlap)
        save(source.with_suffix(".short.npy"), lengths < (config.deduplicate.sentences or 0))
        write_rows(source.with_suffix(".split"), rows, SENTENCES)
        save(marker, digests(bare))
    return len(np.load(marker, mmap_mode="r"))


def split(text: str, splitter: Splitter) -> tuple[list[str], list[bool]]:
    """The sentences of a text, and for each whether a paragraph ends after it."""
    spans = sentence_spans(text, splitter)
    return [text[begin:end] for begin, end in spans], paragraph_ends(text, spans)


def _first_sentences(config: CorporaConfig, work: Path, sizes: Sequence[int]) -> Flags:
    if config.deduplicate.sentences is None:
        return np.ones(sum(sizes), np.bool_)
    return first_occurrences([work / f"{shard_name(number)}.sentences.npy" for number in range(len(sizes))])


def _final_shard(shard: SplitShard, *, folder: Path) -> dict[str, Any]:
    """Writes one shard without the sentences that are dropped, and without documents that lose all of them.

    Returns what `Tally.add` takes.
    """
    name = shard_name(shard.number)
    work = folder / WORK / name
    contaminated, short = (np.load(work.with_suffix(f".{kind}.npy")) for kind in ("contaminated", "short"))
    reasons = np.where(contaminated, "contaminated", np.where(shard.first | short, "", "duplicate")).tolist()
    tally, rows, begin = Tally(), [], 0
    for row in pq.read_table(work.with_suffix(".split")).to_pylist():
        of_row = reasons[begin : begin + len(row["sentences"])]
        begin += len(of_row)
        row["sentences"], row["paragraph_end"] = without_dropped(row["sentences"], row["paragraph_end"], of_row)
        if _counted(row, of_row, tally):
            rows.append(row)
    write_rows(folder / SHARDS / f"{name}.parquet", rows, SENTENCES)
    return tally.content() | {"documents": len(rows)}


def without_dropped(
    sentences: Sequence[str], ends: Sequence[bool], reasons: Sequence[str]
) -> tuple[list[str], list[bool]]:
    """Removes sentences that have a reason. The paragraph end of a removed sentence passes to the one before it."""
    kept: list[str] = []
    kept_ends: list[bool] = []
    for sentence, end, reason in zip(sentences, ends, reasons, strict=True):
        if not reason:
            kept.append(sentence)
            kept_ends.append(end)
        elif end and kept:
            kept_ends[-1] = True
    return kept, kept_ends


def _counted(row: dict[str, Any], reasons: Sequence[str], tally: Tally) -> bool:
    """Counts a document and its dropped sentences. Returns whether any sentence is left."""
    tally.sentences.setdefault(row["source"], Counter()).update(filter(None, reasons))
    counts = tally.counts.setdefault(row["source"], Counter())
    if not row["sentences"]:
        counts.update({"kept": -1, "no_sentence": 1})
        return False
    counts["sentences"] += len(row["sentences"])
    counts["bytes"] += sum(len(sentence.encode()) for sentence in row["sentences"])
    return True
