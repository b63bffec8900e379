"""What sentence embeddings are measured by: similarity of pairs, anisotropy, and the topics of neighbours.

Shapes: N texts, E the size of a vector. Vectors have length 1, so that a product is a cosine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kobert_pipeline.embedding.pair_files import ScoredPair

NEIGHBOURS = 10
CHUNK = 512
"""Texts whose similarities to all others are in memory at once."""
Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""N texts -> (N, E)."""
Similar = Callable[[slice], NDArray[Any]]
"""Numbers of texts -> their similarities to all texts, (n, N)."""


@dataclass(frozen=True)
class Titles:
    """Texts with the topic of each."""

    texts: list[str]
    topics: list[str]


def embedder(model: Any) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        found: Vectors = model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return found

    return embed


def spearman(embed: Embed, pairs: Sequence[ScoredPair]) -> float:
    """100 × the rank correlation of cosines with scores."""
    cosines = (embed([pair.first for pair in pairs]) * embed([pair.second for pair in pairs])).sum(1)
    return rank_correlation(cosines, [pair.score for pair in pairs])


def rank_correlation(found: Any, scores: Sequence[float]) -> float:
    from scipy.stats import spearmanr

    if len(set(scores)) < 2 or len(set(np.asarray(found).tolist())) < 2:
        return 0.0
    return 100 * float(spearmanr(found, scores).statistic)


def anisotropy(vectors: Vectors) -> float:
    """The mean cosine of two different texts (Ethayarajh 2019, section 4): 0 where directions are used evenly, 1 where all
    vectors point one way."""
    count = len(vectors)
    total = vectors.astype(np.float64).sum(0)
    return float((total @ total - (vectors.astype(np.float64) ** 2).sum()) / (count * (count - 1)))


def of_vectors(vectors: Vectors) -> Similar:
    return lambda numbers: vectors[numbers] @ vectors.T


def recall_of_topics(similar: Similar, topics: Sequence[str]) -> float:
    """100 × the capped recall at 10 (Thakur et al. 2021, section 3.3): for each text, the texts of its topic among its ten nearest
    neighbours, of ten or of as many as there are. Ties go to the earlier text."""
    names = np.array(topics)
    found = []
    for start in range(0, len(names), CHUNK):
        numbers = slice(start, min(start + CHUNK, len(names)))
        scores = np.asarray(similar(numbers), dtype=np.float64)
        scores[np.arange(len(scores)), np.arange(start, numbers.stop)] = -np.inf
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :NEIGHBOURS]
        same = (names[nearest] == names[numbers, None]).sum(1)
        others = (names[None, :] == names[numbers, None]).sum(1) - 1
        found += [hits / min(NEIGHBOURS, rest) for hits, rest in zip(same, others, strict=True) if rest]
    return 100 * float(np.mean(found))
