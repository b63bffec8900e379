"""The baseline of the table: a bag of character n-grams, without pretraining and without any order beyond the n-gram.

Deterministic. It is hard to beat on YNAT with few labels, and therefore part of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klue_eval.task import KlueTask
from klue_eval.values import Row, Texts

NGRAMS = (1, 3)
"""Shortest and longest, in characters. A Korean syllable carries about as much as two Latin letters, so both are
less than usual (2 to 5)."""
VERSION = 1
"""Raised when a prediction changes."""
REGULARISATION = 10.0
"""Inverse strength (scikit-learn's C)."""


def supports(task: KlueTask) -> bool:
    """Whether the rows of the task are texts with one label or number."""
    return task.texts is not None


def predict(task: KlueTask, train: Sequence[Row], scored: Sequence[Row]) -> list[Any]:
    """Learns from `train`. Returns one prediction for each row of `scored`."""
    learn = _classify if task.head == "classification" else _regress
    assert task.texts is not None
    return learn(task, [task.texts(row) for row in train], [task.texts(row) for row in scored])


def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char", ngram_range=NGRAMS, sublinear_tf=True)


def _classify(task: KlueTask, train: Sequence[Texts], scored: Sequence[Texts]) -> list[Any]:
    """Logistic regression. A pair is two concatenated bags: an n-gram in the second segment is another feature.

    Training rows of one class teach that class, which every row then gets.
    """
    from sklearn.linear_model import LogisticRegression

    seen = {item.target for item in train}
    if len(seen) == 1:
        return [task.labels[seen.pop()]] * len(scored)
    fitted, applied = _bags(train, scored)
    model = LogisticRegression(C=REGULARISATION, max_iter=1000).fit(fitted, [item.target for item in train])
    return [task.labels[index] for index in model.predict(applied)]


def _bags(train: Sequence[Texts], scored: Sequence[Texts]) -> tuple[Any, Any]:
    from scipy.sparse import hstack

    fitted, applied = [], []
    for segment in ("text", "pair") if train[0].pair is not None else ("text",):
        vectorizer = _vectorizer()
        fitted.append(vectorizer.fit_transform([getattr(item, segment) for item in train]))
        applied.append(vectorizer.transform([getattr(item, segment) for item in scored]))
    return hstack(fitted, format="csr"), hstack(applied, format="csr")


def _regress(task: KlueTask, train: Sequence[Texts], scored: Sequence[Texts]) -> list[Any]:
    """Two segments: linear regression on the cosine of their vectors. One: ridge regression on its vector."""
    from sklearn.linear_model import LinearRegression, Ridge

    if train[0].pair is None:
        bags, applied = _bags(train, scored)
        ridge = Ridge(alpha=1 / REGULARISATION).fit(bags, [item.target for item in train])
        return [task.unscaled(value) for value in ridge.predict(applied)]
    vectorizer = _vectorizer().fit([text for item in train for text in (item.text, item.pair)])
    line = LinearRegression().fit(_cosines(vectorizer, train), [item.target for item in train])
    return [task.unscaled(value) for value in line.predict(_cosines(vectorizer, scored))]


def _cosines(vectorizer: Any, items: Sequence[Texts]) -> Any:
    """[rows, 1]. The vectors have length 1, so their product is the cosine."""
    import numpy as np

    first = vectorizer.transform([item.text for item in items])
    second = vectorizer.transform([item.pair for item in items])
    return np.asarray(first.multiply(second).sum(axis=1)).reshape(-1, 1)
