"""The figures of an encoder before and after its training, next to search by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.data import read_split
from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.measures import (
    Titles,
    anisotropy,
    embedder,
    of_vectors,
    rank_correlation,
    recall_of_topics,
    spearman,
)
from kobert_pipeline.embedding.pair_files import ScoredPair, klue_pairs, read_pairs, read_sentences
from kobert_pipeline.embedding.word_baselines import bm25, character_tfidf, of_bags

ANISOTROPY, RETRIEVAL = "anisotropy", "YNAT titles: recall of the topic at 10"
SENTENCES = 1_000
"""On which anisotropy is measured."""
BEFORE, AFTER, CHARACTERS, WORDS = "before", "after", "character TF-IDF", "BM25"
Figures = dict[str, float]


@dataclass(frozen=True)
class MeasuringData:
    pairs: dict[str, list[ScoredPair]]
    """Name of a measure -> scored pairs."""
    titles: Titles | None
    sentences: list[str]
    """Empty if there is no text."""


def read_measuring_data(config: EmbeddingConfig, corpus: Path | None) -> MeasuringData:
    pairs, titles = {}, None
    if config.klue is not None:
        pairs["KLUE-STS dev: Spearman"] = klue_pairs(config.klue, "dev")
        titles = _titles(config.klue, config.titles)
    if config.sts_dev is not None:
        pairs[f"{Path(config.sts_dev).stem}: Spearman"] = read_pairs(config.sts_dev)
    texts = [text for found in pairs.values() for pair in found for text in (pair.first, pair.second)]
    if not texts and corpus is not None:
        texts = read_sentences(corpus, SENTENCES)
    return MeasuringData(pairs, titles, list(dict.fromkeys(texts))[:SENTENCES])


def _titles(data: str, most: int) -> Titles:
    """At most so many of YNAT's dev, evenly over the file."""
    rows = read_split("ynat", data, "dev").rows
    step = max(1.0, len(rows) / most)
    drawn = [rows[int(number * step)] for number in range(min(most, len(rows)))]
    return Titles([row["title"] for row in drawn], [row["label"] for row in drawn])


def measure(model: Any, data: MeasuringData) -> Figures:
    """Measure -> figure of a model of sentence-transformers."""
    embed = embedder(model)
    figures = {name: spearman(embed, pairs) for name, pairs in data.pairs.items()}
    if data.titles is not None:
        figures[RETRIEVAL] = recall_of_topics(of_vectors(embed(data.titles.texts)), data.titles.topics)
    if len(data.sentences) > 1:
        figures[ANISOTROPY] = anisotropy(embed(data.sentences))
    return figures


def by_words(data: MeasuringData) -> dict[str, Figures]:
    """What search by words reaches on the same data."""
    characters = {name: _spearman_of_bags(pairs) for name, pairs in data.pairs.items()}
    words: Figures = {}
    if data.titles is not None:
        texts, topics = data.titles.texts, data.titles.topics
        characters[RETRIEVAL] = recall_of_topics(of_bags(character_tfidf(texts)), topics)
        words[RETRIEVAL] = recall_of_topics(bm25(texts), topics)
    return {CHARACTERS: characters, WORDS: words}


def _spearman_of_bags(pairs: Sequence[ScoredPair]) -> float:
    bags = character_tfidf([text for pair in pairs for text in (pair.first, pair.second)])
    cosines = bags[::2].multiply(bags[1::2]).sum(1)
    return rank_correlation(cosines.A1 if hasattr(cosines, "A1") else cosines, [pair.score for pair in pairs])
