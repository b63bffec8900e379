"""Search by words, with which embeddings are compared: BM25 over morphemes, and the cosine of character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from klue_eval.baseline import NGRAMS
from kobert_pipeline.embedding.measures import Similar
from kobert_pipeline.morphology.mecab import morphemes

SATURATION, LENGTH = 1.5, 0.75
"""BM25's k1 and b, as Lucene's users mostly set them."""


def bm25(texts: Sequence[str]) -> Similar:
    """Okapi BM25 (Robertson and Zaragoza 2009, section 3) over MeCab-ko's morphemes, with Lucene's inverse document frequency, which
    is never negative. A text asks with each of its morphemes once."""
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer(analyzer=_surfaces).fit_transform(texts).tocsr().astype(np.float64)
    asked = (counts > 0).astype(np.float64)
    sizes = np.asarray(counts.sum(1)).ravel()
    present = np.asarray(asked.sum(0)).ravel()
    rarity = np.log1p((len(sizes) - present + 0.5) / (present + 0.5))
    weights = counts.tocoo()
    norm = SATURATION * (1 - LENGTH + LENGTH * sizes / sizes.mean())
    weights.data = rarity[weights.col] * weights.data * (SATURATION + 1) / (weights.data + norm[weights.row])
    answers: Any = weights.tocsr().T
    return lambda numbers: (asked[numbers] @ answers).toarray()


def _surfaces(text: str) -> list[str]:
    return [morpheme.surface for morpheme in morphemes(text)]


def character_tfidf(texts: Sequence[str]) -> Any:
    """(N, features), rows of length 1: the bag of characters of `klue_eval`'s baseline."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char", ngram_range=NGRAMS, sublinear_tf=True).fit_transform(texts).tocsr()


def of_bags(bags: Any) -> Similar:
    return lambda numbers: (bags[numbers] @ bags.T).toarray()
