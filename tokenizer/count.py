"""Counting a corpus, shard by shard: morphemes to merge, characters that want rows, words by which pieces are chosen.

Sums do not depend on how the corpus is cut into shards, nor on the order of these.
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
from kobert_pipeline.morphology.mecab import marked
from tokenizer.config import TokenizerConfig
from tokenizer.words import characters_of, units_of, words

SAMPLE_BYTES = 60_000_000
"""Text by which the vocabulary is pruned, weighed by source."""
AS_THEY_ARE: MappingProxyType[str, int] = MappingProxyType({})


class Counts(NamedTuple):
    units: Counter[str]
    """Shifted morphemes, or words where the recipe asks for none, times the weight of their source."""
    characters: Counter[str]
    """Shifted characters, as often as they occur."""
    sample: Counter[str]
    """Words of a share of the sentences, their morphemes marked, times what each stands for: empty where nothing is pruned."""

    def update(self, other: Counts) -> None:
        for own, more in zip(self, other, strict=True):
            own.update(more)


def count_all(
    shards: Sequence[Path],
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    execution: ExecutionConfig = LOCAL,
) -> Counts:
    """What `count` finds in all shards; the sample has about `SAMPLE_BYTES` of text."""
    sizes = source_sizes(shards)
    weights = source_weights(sizes, config.source_exponent)
    one_in = max(1, sum(sizes[source] * weight for source, weight in weights.items()) // SAMPLE_BYTES)
    counter = partial(count, config=config, placeholders=placeholders, weights=weights, one_in=one_in)
    counts = Counts(Counter(), Counter(), Counter())
    with progress("tokenizer: count morphemes", len(shards), "shards") as advance:
        for found in map_shards(counter, shards, execution):
            counts.update(found)
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
    """Source -> what each of its words counts: 1 for the largest, more for smaller ones, so that text weighs by its size to
    the power `exponent`. Whole numbers, so that sums are exact."""
    largest = max(sizes.values(), default=0)
    return {source: round((largest / size) ** (1 - exponent)) for source, size in sizes.items() if size}


def count(
    shard: Path,
    *,
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    weights: Mapping[str, int] = AS_THEY_ARE,
    one_in: int = 1,
) -> Counts:
    """Counts of one shard. Of a source that weighs w, w sentences in `one_in` are sampled, by their text, and each stands for
    as many as it has to."""
    counts = Counts(Counter(), Counter(), Counter())
    sampled = config.morpheme == "training" and config.surplus > 1
    for source, sentences in _by_source(shard).items():
        weight = weights.get(source, 1)
        found: Counter[str] = Counter()
        for sentence in _without(placeholders, sentences):
            of_sentence = list(words(_marked(sentence, config), config.digits))
            found.update(of_sentence)
            if sampled and crc32(sentence.encode()) % one_in < weight:
                for word in of_sentence:
                    counts.sample[word] += max(weight, one_in)
        units = units_of(found)
        counts.characters.update(characters_of(units))
        counts.units.update({unit: times * weight for unit, times in units.items()})
    return counts


def _marked(sentence: str, config: TokenizerConfig) -> str:
    if config.morpheme == "none":
        return sentence
    return marked(sentence, left_space_penalty=config.left_space_penalty)


def _by_source(shard: Path) -> dict[str, Iterator[str]]:
    rows = pq.read_table(shard, columns=["source", "sentences"])
    of_source: dict[str, list[list[str]]] = {}
    for source, sentences in zip(rows["source"].to_pylist(), rows["sentences"].to_pylist(), strict=True):
        of_source.setdefault(source, []).append(sentences)
    return {source: (one for part in parts for one in part) for source, parts in of_source.items()}


def _without(placeholders: Sequence[str], sentences: Iterator[str]) -> Iterator[str]:
    if not placeholders:
        return sentences
    pattern = re.compile("|".join(map(re.escape, placeholders)))
    return (pattern.sub(" ", sentence) for sentence in sentences)
