"""Rows as flat arrays of piece ids, and batches drawn from them: padded to their own longest row, never further.

Shapes: B rows in a batch, L pieces in its longest row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from klue_eval.task import Features

WINDOW = 64
"""Batches among which rows are sorted by length: most of the padding goes, and batches stay well mixed."""


@dataclass(frozen=True)
class Encoded:
    columns: dict[str, NDArray[np.int64]]
    """`input_ids`, and `token_type_ids` where the tokenizer gives them: all rows' pieces, one after the other."""
    offsets: NDArray[np.int64]
    """Row i is [offsets[i], offsets[i + 1])."""
    padding: dict[str, int]
    """Column -> what fills it behind a row."""
    truncated: int
    """Rows that were longer than `max_length` pieces."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)


def encode_features(tokenizer: Any, features: Sequence[Features], max_length: int) -> Encoded:
    """One call of the fast tokenizer; of a pair, the longer segment is cut first."""
    texts = [item.text for item in features]
    pairs = None if features[0].pair is None else [item.pair for item in features]
    encoding = tokenizer(texts, pairs, truncation="longest_first", max_length=max_length, return_attention_mask=False)
    rows = encoding["input_ids"]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    return Encoded(
        columns={name: _flat(encoding[name], int(offsets[-1])) for name in encoding},
        offsets=offsets,
        padding={"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id},
        truncated=sum(bool(row.overflowing) for row in encoding.encodings),
    )


def _flat(rows: Sequence[Sequence[int]], total: int) -> NDArray[np.int64]:
    return np.fromiter((piece for row in rows for piece in row), dtype=np.int64, count=total)


def pad(encoded: Encoded, rows: NDArray[np.int64]) -> dict[str, Tensor]:
    """Every column and `attention_mask` as [B, L]. Row B of the batch is row `rows[B]` of the data."""
    starts, lengths = encoded.offsets[rows], encoded.lengths[rows]
    places = np.arange(int(lengths.max()))[None, :]
    inside = places < lengths[:, None]
    sources = np.where(inside, starts[:, None] + places, 0)
    batch = {
        name: torch.from_numpy(np.where(inside, column[sources], encoded.padding[name]))
        for name, column in encoded.columns.items()
    }
    return {**batch, "attention_mask": torch.from_numpy(inside.astype(np.int64))}


def training_order(lengths: NDArray[np.int64], batch_size: int, key: Sequence[int]) -> list[NDArray[np.int64]]:
    """Each row once, as batches of rows of similar length in random order. A pure function of its arguments."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(list(key))))
    shuffled = generator.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(shuffled), WINDOW * batch_size):
        window = shuffled[start : start + WINDOW * batch_size]
        batches += _cut(window[np.argsort(lengths[window], kind="stable")], batch_size)
    return [batches[index] for index in generator.permutation(len(batches))]


def scoring_order(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Each row once, shortest first."""
    return _cut(np.argsort(lengths, kind="stable"), batch_size)


def _cut(rows: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


@dataclass(frozen=True)
class TrainingBatches:
    """What Lightning iterates: one pass over the steps of all epochs, so that nothing restarts between epochs."""

    encoded: Encoded
    targets: Tensor
    batch_size: int
    epochs: int
    seed: int

    def __len__(self) -> int:
        return -(-len(self.targets) // self.batch_size) * self.epochs

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for epoch in range(self.epochs):
            for rows in training_order(self.encoded.lengths, self.batch_size, (self.seed, epoch)):
                yield {**pad(self.encoded, rows), "targets": self.targets[torch.from_numpy(rows)]}
