"""Builds BERT's examples once, as `create_pretraining_data` did: all documents in memory, pairs and masks drawn once, a
Python step for every token. `make bench-dataset` compares with it. It is written from the paper (Devlin et al. 2019,
section 3.1 and appendix A.2) and is not part of the pipeline.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

Document = list[list[int]]
"""Sentences of tokens."""


class Settings(NamedTuple):
    length: int
    max_predictions: int
    cls_id: int
    sep_id: int
    mask_id: int
    replacements: Sequence[int]


def examples(documents: list[Document], settings: Settings, seed: int = 0) -> dict[str, np.ndarray]:
    """Every document's pairs, masked, shuffled and padded, as arrays that could be written."""
    rng = random.Random(seed)
    rows = [
        _padded(_masked(first, second, settings, rng), label, settings)
        for number in range(len(documents))
        for first, second, label in _pairs(documents, number, settings.length - 3, rng)
    ]
    rng.shuffle(rows)
    return {name: np.array([row[name] for row in rows], dtype=np.int32) for name in rows[0]}


def _pairs(
    documents: list[Document], number: int, room: int, rng: random.Random
) -> Iterator[tuple[list[int], list[int], int]]:
    document = documents[number]
    target = rng.randint(2, room) if rng.random() < 0.1 else room
    chunk: Document = []
    position = 0
    while position < len(document):
        chunk.append(document[position])
        position += 1
        if position < len(document) and sum(map(len, chunk)) < target:
            continue
        split = rng.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
        first = list(chain.from_iterable(chunk[:split]))
        is_random = len(chunk) == 1 or rng.random() < 0.5
        if is_random:
            second = _random_segment(documents, number, target - len(first), rng)
            position -= len(chunk) - split
        else:
            second = list(chain.from_iterable(chunk[split:]))
        _truncate(first, second, room, rng)
        yield first, second, int(is_random)
        chunk = []


def _random_segment(documents: list[Document], number: int, length: int, rng: random.Random) -> list[int]:
    other = number
    while other == number:
        other = rng.randrange(len(documents))
    segment: list[int] = []
    for sentence in documents[other][rng.randrange(len(documents[other])) :]:
        segment.extend(sentence)
        if len(segment) >= length:
            break
    return segment


def _truncate(first: list[int], second: list[int], room: int, rng: random.Random) -> None:
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        longer.pop(0 if rng.random() < 0.5 else -1)


def _masked(first: list[int], second: list[int], settings: Settings, rng: random.Random) -> dict[str, list[int]]:
    tokens = [settings.cls_id, *first, settings.sep_id, *second, settings.sep_id]
    candidates = [place for place, token in enumerate(tokens) if token not in (settings.cls_id, settings.sep_id)]
    rng.shuffle(candidates)
    count = min(settings.max_predictions, max(1, round(0.15 * len(tokens))))
    places = sorted(candidates[:count])
    labels = [tokens[place] for place in places]
    for place in places:
        if rng.random() < 0.8:
            tokens[place] = settings.mask_id
        elif rng.random() < 0.5:
            tokens[place] = rng.choice(settings.replacements)
    segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    return {"input_ids": tokens, "segment_ids": segments, "masked_positions": places, "masked_ids": labels}


def _padded(row: dict[str, list[int]], label: int, settings: Settings) -> dict[str, object]:
    widths = {"input_ids": settings.length, "segment_ids": settings.length}
    mask = [1] * len(row["input_ids"])
    padded = {name: _filled(values, widths.get(name, settings.max_predictions)) for name, values in row.items()}
    return padded | {"input_mask": _filled(mask, settings.length), "next_sentence_label": label}


def _filled(values: list[int], width: int) -> list[int]:
    return values + [0] * (width - len(values))
