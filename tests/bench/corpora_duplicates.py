"""Part of `make bench-corpora`: finding duplicates by itself, next to datatrove's MinHash, and how right the near-duplicates are.

text-dedup 0.4 is not compared: it needs rich below 14 and urllib3 2.0 at most, and does not install in this environment.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import zstandard
from parts import Table

from corpora.config import DeduplicationConfig
from corpora.phases.duplicates import SHINGLE, clusters, digests, first_occurrences, signatures
from corpora.sentences import split_sentences
from corpora.shingles import letters, shingles
from kobert_pipeline.ground.meter import Meter

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
OUR_BYTES, THEIR_BYTES = 20_000_000, 1_000_000
COPY_EVERY, CHANGED_WORDS = 10, (0.01, 0.02, 0.04, 0.08)
"""Every tenth document is followed by a copy in which this share of the words is replaced by `○○`."""
SAMPLE = 3_000
Texts = list[str]


def deduplication() -> Table:
    """One process. MB are those of the text; peak memory is that of the process."""
    ours, theirs = documents(OUR_BYTES), documents(THEIR_BYTES)
    sentences = [sentence for text in documents(OUR_BYTES // 4) for sentence in split_sentences(text)]
    rows = [
        row("equal documents", ours, lambda: exact(ours)),
        row("near-duplicates (MinHash)", ours, lambda: clusters_of(ours)),
        row("equal sentences", sentences, lambda: exact(sentences)),
        row("datatrove, MinHash, words by Kiwi", theirs, lambda: datatrove(theirs)),
    ]
    return [*rows, accuracy(ours[:SAMPLE])]


def row(what: str, texts: Texts, work: Callable[[], object]) -> dict[str, object]:
    size = sum(len(text.encode()) for text in texts) / 1e6
    with Meter() as meter:
        work()
    return {
        "what": what,
        "texts": len(texts),
        "MB": size,
        "MB/s": size / meter.seconds,
        "peak MiB": round(meter.peak_mib),
    }


def documents(size: int) -> Texts:
    """Articles, and planted near-duplicates."""
    draw, taken, total = random.Random(7), [], 0
    for number, text in enumerate(articles()):
        taken.append(text)
        if number % COPY_EVERY == 0:
            share = CHANGED_WORDS[number // COPY_EVERY % len(CHANGED_WORDS)]
            taken.append(" ".join("○○" if draw.random() < share else word for word in text.split(" ")))
        total += len(text.encode())
        if total >= size:
            break
    return taken


def articles() -> Iterator[str]:
    with (DATA / "raw" / "kowiki_2020-08_00.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            yield json.loads(line)["text"]


def exact(texts: Texts) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.digests.npy"
        np.save(path, digests(letters(texts)))
        return first_occurrences([path])


def clusters_of(texts: Texts) -> np.ndarray:
    """In parts of 2,000 documents, as the stage works on shards."""
    parts = [signatures(letters(texts[at : at + 2_000])) for at in range(0, len(texts), 2_000)]
    threshold = DeduplicationConfig().near_documents
    assert threshold is not None
    return clusters(np.concatenate(parts), np.ones(len(texts), np.bool_), threshold)


def accuracy(texts: Texts) -> dict[str, object]:
    """Pairs that MinHash joins, compared with all pairs whose exact Jaccard similarity reaches the threshold."""
    hashes, offsets = shingles(letters(texts), SHINGLE)
    sets = [set(hashes[begin:end].tolist()) for begin, end in itertools.pairwise(offsets.tolist())]
    threshold = DeduplicationConfig().near_documents or 0
    true = {pair for pair in candidates(sets) if jaccard(sets, *pair) >= threshold}
    groups: dict[int, list[int]] = {}
    for number, first in enumerate(clusters_of(texts).tolist()):
        groups.setdefault(first, []).append(number)
    found = {pair for group in groups.values() for pair in itertools.combinations(group, 2)}
    hits = len(found & true)
    return {"what": "near-duplicates, against exact Jaccard", "texts": len(texts), "pairs": len(true), "precision": hits / max(1, len(found)), "recall": hits / max(1, len(true))}  # fmt: skip


def candidates(sets: list[set[int]]) -> set[tuple[int, int]]:
    """Pairs that can reach a similarity of .8: they share one of the rarest fifth of the shingles of each (prefix filtering)."""
    counts = Counter(itertools.chain.from_iterable(sets))
    seen: dict[int, list[int]] = {}
    pairs: set[tuple[int, int]] = set()
    for number, values in enumerate(sets):
        for value in sorted(values, key=lambda value: (counts[value], value))[: len(values) // 5 + 1]:
            pairs.update((other, number) for other in seen.setdefault(value, []))
            seen[value].append(number)
    return pairs


def jaccard(sets: list[set[int]], left: int, right: int) -> float:
    return len(sets[left] & sets[right]) / max(1, len(sets[left] | sets[right]))


def datatrove(texts: Texts) -> object:
    """The four stages of its MinHash as FineWeb-2 runs them: 14 buckets of 8, 5-grams of words."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig
    from kiwipiepy import Kiwi

    config = MinhashConfig(hash_config=HashConfig(hash_fc="sha1", precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        given = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
        sign = MinhashDedupSignature(f"{folder}/signatures", config=config, language="kor_Hang")
        sign.word_tokenizer._tokenizer = Kiwi(num_workers=1)  # it asks for a model that kiwipiepy 0.24 does not have
        sign.run(iter(given), 0, 1)
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config).run(
                None, bucket, config.num_buckets
            )
        MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config).run(None, 0, 1)
        return len(list(MinhashDedupFilter(f"{folder}/remove").run(iter(given), 0, 1)))
