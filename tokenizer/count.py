"""Counts a corpus shard by shard: morphemes to merge, characters that may get rows, words by which pieces are chosen.

Sums depend neither on how the corpus is divided into shards nor on the order of the shards.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.mecab import separated
from tokenizer.config import TokenizerConfig
from tokenizer.words import characters_of, units_of, words

SAMPLE_BYTES = 60_000_000
"""Size of the text, weighted by source, with which the vocabulary is pruned."""
EQUAL_WEIGHTS: MappingProxyType[str, int] = MappingProxyType({})


class Counts(NamedTuple):
    units: Counter[str]
    """Shifted morphemes, or words if the recipe sets `morpheme: none`, times the weight of their source."""
    characters: Counter[str]
    """Shifted characters, without weights."""
    sample: Counter[str]
    """Words of a share of the sentences, their morphemes separated, times the number of words that each represents.
    Empty if nothing is pruned."""

    def update(self, other: Counts) -> None:
        for counter, more in zip(self, other, strict=True):
            counter.update(more)


def count_all(
    shards: Sequence[Path],
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    execution: ExecutionConfig = LOCAL,
) -> Counts:
    """Adds up `count` over all shards; the sample has about `SAMPLE_BYTES` of text."""
    sizes = source_sizes(shards)
    weights = source_weights(sizes, config.source_exponent)
    one_in = max(1, sum(sizes[source] * weight for source, weight in weights.items()) // SAMPLE_BYTES)
    counter = partial(count, config=config, placeholders=placeholders, weights=weights, one_in=one_in)
    counts = Counts(Counter(), Counter(), Counter())
    with progress("tokenizer: count morphemes", len(shards), "shards") as advance:
        for of_shard in map_shards(counter, shards, execution):
            counts.update(of_shard)
            advance(1)
    return counts


def source_sizes(shards: Iterable[Path]) -> Counter[str]:
    """Source -> bytes of its sentences."""
    sizes: Counter[str] = Counter()
    for shard in shards:
        rows = pq.read_table(shard, columns=["source", "sentences"]).combine_chunks()
        sentences, source = rows["sentences"].combine_chunks(), rows["source"].combine_chunks()
        lengths = pc.binary_length(pc.list_flatten(sentences))
        table = pa.table({"source": source.take(pc.list_parent_indices(sentences)), "bytes": lengths})
        for row in table.group_by("source").aggregate([("bytes", "sum")]).to_pylist():
            sizes[row["source"]] += row["bytes_sum"]
    return sizes


def source_weights(sizes: Mapping[str, int], exponent: float) -> dict[str, int]:
    """Source -> the weight of each of its words: 1 for the largest source, more for smaller ones, so that the weight of
    a source is its size to the power `exponent`. Weights are whole numbers, so that sums are exact."""
    largest = max(sizes.values(), default=0)
    return {source: round((largest / size) ** (1 - exponent)) for source, size in sizes.items() if size}


def count(
    shard: Path,
    *,
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    weights: Mapping[str, int] = EQUAL_WEIGHTS,
    one_in: int = 1,
) -> Counts:
    """Counts one shard. The text of a sentence decides whether it is sampled: w sentences in `one_in` of a source with
    weight w, each counted as often as it represents others."""
    counts = Counts(Counter(), Counter(), Counter())
    sampled = config.morpheme == "training" and config.surplus > 1
    for source, sentences in _by_source(shard).items():
        weight = weights.get(source, 1)
        all_words: Counter[str] = Counter()
        for sentence in _without(placeholders, sentences):
            of_sentence = list(words(_separated(sentence, config), config.digits))
            all_words.update(of_sentence)
            if sampled and crc32(sentence.encode()) % one_in < weight:
                for word in of_sentence:
                    counts.sample[word] += max(weight, one_in)
        units = units_of(all_words)
        counts.characters.update(characters_of(units))
        counts.units.update({unit: times * weight for unit, times in units.items()})
    return counts


def _separated(sentence: str, config: TokenizerConfig) -> str:
    if config.morpheme == "none":
        return sentence
    return separated(sentence, left_space_penalty=config.left_space_penalty)


def _by_source(shard: Path) -> dict[str, Iterator[str]]:
    rows = pq.read_table(shard, columns=["source", "sentences"])
    of_source: dict[str, list[list[str]]] = {}
    for source, sentences in zip(rows["source"].to_pylist(), rows["sentences"].to_pylist(), strict=True):
        of_source.setdefault(source, []).append(sentences)
    return {source: (text for part in parts for text in part) for source, parts in of_source.items()}


def _without(placeholders: Sequence[str], sentences: Iterator[str]) -> Iterator[str]:
    if not placeholders:
        return sentences
    pattern = re.compile("|".join(map(re.escape, placeholders)))
    return (pattern.sub(" ", sentence) for sentence in sentences)
