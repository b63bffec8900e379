"""The tokenizer stage: counts morphemes shard by shard, learns the vocabulary, writes the artifact. The only I/O here."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow.parquet as pq

from kobert_pipeline.artifacts import Workspace
from kobert_pipeline.execution import LOCAL, ExecutionConfig, map_shards, progress
from kobert_pipeline.morphology import SEPARATOR, marked, morphemes
from tokenizer.config import TokenizerConfig
from tokenizer.load import assemble, load_tokenizer, save
from tokenizer.prune import known_words
from tokenizer.report import measure
from tokenizer.train import learn_vocabulary
from tokenizer.words import count_units, units_of, words

logger = logging.getLogger(__name__)

GOLDEN_SENTENCES = 32
MEASURED_SENTENCES = 2_000
SAMPLE_BYTES = 20_000_000
"""Text by which the vocabulary is pruned."""


def build(
    config: TokenizerConfig,
    corpora: Path,
    out: Workspace,
    *,
    special_tokens: Sequence[str],
    placeholders: Sequence[str] = (),
    execution: ExecutionConfig = LOCAL,
) -> dict[str, Any]:
    """Fills `out` with a tokenizer folder learned from `corpora/shards/*.parquet`. Returns the manifest's summary.

    `placeholders` are what the corpus stage wrote in the place of personal data.
    """
    started = time.monotonic()
    shards = sorted((corpora / "shards").glob("*.parquet"))
    units, sample = count_all(shards, config, placeholders, execution)
    pieces = learn_vocabulary(units, config, special_tokens, placeholders, known_words(sample))
    tokenizer = assemble(pieces, placeholders, config.digits)
    golden, at_morphemes = first(sentences_of(shards[0]), GOLDEN_SENTENCES), config.morpheme == "inference"
    save(tokenizer, pieces, special_tokens, out.path, golden, at_morphemes=at_morphemes)
    if at_morphemes:
        tokenizer = load_tokenizer(out.path, check=False)
    starts = partial(morpheme_starts, left_space_penalty=config.left_space_penalty)
    figures = measure(tokenizer, first(sentences_of(shards[-1]), MEASURED_SENTENCES), starts)
    logger.info(
        "tokenizer: %s pieces, %.2f per eojeol, cuts agree with morphemes F1 %.3f, [UNK] %.5f, in %.1f min",
        f"{len(pieces):,}", figures["pieces_per_eojeol"], figures["cut_f1"], figures["unknown_share"], (time.monotonic() - started) / 60,
    )  # fmt: skip
    inner = sum(piece.startswith("##") for piece in pieces)
    return {
        "vocab_size": len(pieces),
        "inner_pieces": inner,
        "distinct_morphemes": len(units),
        "training_text": figures,
    }


def count_all(
    shards: Sequence[Path],
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    execution: ExecutionConfig = LOCAL,
) -> tuple[Counter[str], Counter[str]]:
    """What `count` finds in all shards; the sample has about `SAMPLE_BYTES` of text."""
    counter = partial(count, config=config, placeholders=placeholders, one_in=_one_in(shards))
    units: Counter[str] = Counter()
    sample: Counter[str] = Counter()
    with progress("tokenizer: count morphemes", len(shards), "shards") as advance:
        for of_units, of_sample in map_shards(counter, shards, execution):
            units.update(of_units)
            sample.update(of_sample)
            advance(1)
    return units, sample


def sentences_of(shard: Path) -> Iterator[str]:
    for row in pq.read_table(shard, columns=["sentences"])["sentences"].to_pylist():
        yield from row


def count(
    shard: Path, *, config: TokenizerConfig, placeholders: Sequence[str] = (), one_in: int = 1
) -> tuple[Counter[str], Counter[str]]:
    """Counts of a shard's units (morphemes, or words where the recipe asks for none), and of the words of one sentence in
    `one_in`, their morphemes marked: empty where the vocabulary is not pruned."""
    sentences = _without(placeholders, sentences_of(shard))
    if config.morpheme == "none":
        return count_units(sentences, config.digits), Counter()
    counts: Counter[str] = Counter()
    sample: Counter[str] = Counter()
    sampled = config.morpheme == "training" and (config.surplus > 1 or config.whole_words > 0)
    for sentence in sentences:
        found = list(words(marked(sentence, left_space_penalty=config.left_space_penalty), config.digits))
        counts.update(found)
        if sampled and crc32(sentence.encode()) % one_in == 0:
            sample.update(found)
    return units_of(counts), sample


def _one_in(shards: Sequence[Path]) -> int:
    """Sentences of the corpus for each that is sampled, so that the sample has about `SAMPLE_BYTES`."""
    groups = [
        pq.read_metadata(shard).row_group(number)
        for shard in shards
        for number in range(pq.read_metadata(shard).num_row_groups)
    ]
    size: int = sum(group.total_byte_size for group in groups)
    return max(1, size // SAMPLE_BYTES)


def _without(placeholders: Sequence[str], sentences: Iterator[str]) -> Iterator[str]:
    if not placeholders:
        return sentences
    pattern = re.compile("|".join(map(re.escape, placeholders)))
    return (pattern.sub(" ", sentence) for sentence in sentences)


def morpheme_starts(sentence: str, *, left_space_penalty: bool = False) -> set[int]:
    """Characters of the sentence before each morpheme."""
    if not left_space_penalty:
        return {morpheme.start for morpheme in morphemes(sentence)}
    starts, position = set(), 0
    for morpheme in marked(sentence, left_space_penalty=True).split(SEPARATOR)[1:]:
        starts.add(position + len(morpheme) - len(morpheme.lstrip()))
        position += len(morpheme)
    return starts


def first(sentences: Iterator[str], limit: int) -> list[str]:
    return [sentence for _, sentence in zip(range(limit), sentences, strict=False)]
