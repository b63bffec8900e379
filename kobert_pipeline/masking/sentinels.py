"""Sentinels (Raffel et al. 2020, section 3.1.4): tokens that stand for the spans that were taken out of a text, in order.

Source: `a b <0> e <1>`. Target: `<0> c d <1> f <2>`. Both together are the text. Shapes: k spans, more than k sentinels.
"""

from __future__ import annotations

import numpy as np

from kobert_pipeline.masking.noise import Spans, kept_around


def corrupted(tokens: np.ndarray, spans: Spans, sentinels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source and the target of a text. A last sentinel ends the target."""
    kept, before = kept_around(len(tokens), spans)
    source = np.insert(tokens[kept], before, sentinels[: len(before)])
    taken = np.delete(tokens, kept)
    inside = np.append(0, np.cumsum(spans.lengths))
    return source, np.insert(taken, inside, sentinels[: len(inside)])


def spans_of(target: np.ndarray, sentinels: np.ndarray) -> dict[int, np.ndarray]:
    """Number of a sentinel -> the tokens that follow it in a target, up to the next sentinel. Of one that is written twice the
    first counts."""
    numbers = {int(sentinel): number for number, sentinel in enumerate(sentinels)}
    borders = [place for place, token in enumerate(target.tolist()) if token in numbers]
    ends = [*borders[1:], len(target)]
    found: dict[int, np.ndarray] = {}
    for border, end in zip(borders, ends, strict=True):
        found.setdefault(numbers[int(target[border])], target[border + 1 : end])
    return found


def restored(source: np.ndarray, target: np.ndarray, sentinels: np.ndarray) -> np.ndarray:
    """The text of a source and a target. A sentinel for which the target has no span stands for nothing."""
    spans, numbers = spans_of(target, sentinels), {int(token): number for number, token in enumerate(sentinels)}
    nothing = source[:0]
    return np.concatenate(
        [
            nothing,
            *(spans.get(numbers[token], nothing) if token in numbers else [token] for token in source.tolist()),
        ]
    ).astype(source.dtype)
