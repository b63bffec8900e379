"""Rows as flat arrays of token ids, and batches drawn from them, each padded to its longest example.

Shapes: B examples in a batch, L tokens in its longest one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Row
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

Collate = Callable[[Sequence[Example]], dict[str, Tensor]]
Batch = dict[str, dict[str, Tensor]]

logger = logging.getLogger(__name__)

WINDOW = 64
"""Number of batches among which rows are sorted by length. That removes most of the padding, and batches stay mixed."""


@dataclass(frozen=True)
class Encoded:
    """The examples of all rows, in the order of the rows. A row has one example or several."""

    examples: list[Example]
    owners: NDArray[np.int64]
    """[examples] the number of the row to which each belongs."""
    columns: dict[str, NDArray[np.int64]]
    """`input_ids` and `token_type_ids`: the tokens of all examples, one example after the other."""
    offsets: NDArray[np.int64]
    """Example i is [offsets[i], offsets[i + 1])."""
    padding: dict[str, int]
    """Column -> the value that fills it after an example."""
    truncated: int
    """Number of rows of which the model reads only a part."""
    unread: int
    """Number of rows with an eojeol from which the tokenizer makes no token."""
    unknown_share: float
    """[UNK] among all tokens that are not special."""
    states: Tensor | None = None
    """[tokens, …] what a frozen encoder makes of them, if that is known already."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def only(self, names: Collection[str]) -> Encoded:
        """Returns the examples without the columns that a model does not read."""
        return replace(self, columns={name: self.columns[name] for name in self.columns if name in names})


def encode_rows(task: KlueTask, rows: Sequence[Row], reader: Reader, settings: TaskSettings) -> Encoded:
    """Encodes all rows. Logs how many of them the model reads only in part, and the first one.

    Raises InputError for a row from which the tokenizer makes no token.
    """
    examples: list[Example] = []
    owners: list[int] = []
    for number, row in enumerate(rows):
        found = task.encode(row, reader, settings)
        if any(len(example.input_ids) <= len(reader.prefix) + len(reader.suffix) for example in found):
            raise InputError(
                "{task}, row {row}: the tokenizer makes no token from its text; leave the row out",
                task=task.title,
                row=row["guid"],
            )
        examples += found
        owners += [number] * len(found)
    cut = sorted({owner for owner, example in zip(owners, examples, strict=True) if example.truncated})
    unread = [number for number, row in enumerate(rows) if any(map(reader.unread, task.show(row).values()))]
    _report(task, rows, cut, say("are longer than {limit} tokens", limit=reader.max_length))
    _report(task, rows, unread, say("have an eojeol from which the tokenizer makes no token"))
    offsets = np.concatenate([[0], np.cumsum([len(example.input_ids) for example in examples], dtype=np.int64)])
    total = int(offsets[-1])
    input_ids = _flat((example.input_ids for example in examples), total)
    return Encoded(
        examples=examples,
        owners=np.array(owners),
        columns={
            "input_ids": input_ids,
            "token_type_ids": _flat((example.token_type_ids for example in examples), total),
        },
        offsets=offsets,
        padding={"input_ids": reader.tokenizer.pad_token_id, "token_type_ids": reader.tokenizer.pad_token_type_id},
        truncated=len(cut),
        unread=len(unread),
        unknown_share=_unknown_share(input_ids, reader),
    )


def _unknown_share(input_ids: NDArray[np.int64], reader: Reader) -> float:
    if reader.unknown is None:
        return 0.0
    special = [number for number in reader.tokenizer.all_special_ids if number != reader.unknown]
    tokens = input_ids.size - int(np.isin(input_ids, special).sum())
    return int((input_ids == reader.unknown).sum()) / max(1, tokens)


def _report(task: KlueTask, rows: Sequence[Row], numbers: Sequence[int], what: str) -> None:
    if numbers:
        first = rows[numbers[0]]["guid"]
        logger.info("%s: %s of %s rows %s; the first is %s", task.title, len(numbers), len(rows), what, first)


def _flat(rows: Iterable[Sequence[int]], total: int) -> NDArray[np.int64]:
    return np.fromiter((token for row in rows for token in row), dtype=np.int64, count=total)


def pad(encoded: Encoded, rows: NDArray[np.int64]) -> dict[str, Tensor]:
    """Returns every column and `attention_mask` as [B, L], and `states` as [B, L, …] if they are known. Line i of the batch is example
    `rows[i]`."""
    starts, lengths = encoded.offsets[rows], encoded.lengths[rows]
    places = np.arange(int(lengths.max()))[None, :]
    inside = places < lengths[:, None]
    sources = np.where(inside, starts[:, None] + places, 0)
    batch = {
        name: torch.from_numpy(np.where(inside, column[sources], encoded.padding[name]))
        for name, column in encoded.columns.items()
    }
    batch["attention_mask"] = torch.from_numpy(inside.astype(np.int64))
    if encoded.states is not None:
        batch["states"] = encoded.states[torch.from_numpy(sources)] * batch["attention_mask"].unsqueeze(-1)
    return batch


def training_order(lengths: NDArray[np.int64], batch_size: int, key: Sequence[int]) -> list[NDArray[np.int64]]:
    """Returns each row once, as batches of rows of similar length, in random order. Pure."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(list(key))))
    shuffled = generator.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(shuffled), WINDOW * batch_size):
        window = shuffled[start : start + WINDOW * batch_size]
        batches += _cut(window[np.argsort(lengths[window], kind="stable")], batch_size)
    return [batches[index] for index in generator.permutation(len(batches))]


def scoring_order(lengths: NDArray[np.int64], batch_size: int, tokens: int | None = None) -> list[NDArray[np.int64]]:
    """Returns each row once, shortest first. `tokens`: the most that a batch of several rows has, with its padding."""
    order = np.argsort(lengths, kind="stable")
    if tokens is None:
        return _cut(order, batch_size)
    batches, start = [], 0
    for stop in range(1, len(order) + 1):
        full = stop - start == batch_size
        if stop == len(order) or full or lengths[order[stop]] * (stop + 1 - start) > tokens:
            batches.append(order[start:stop])
            start = stop
    return batches


def _cut(rows: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


@dataclass(frozen=True)
class TrainingBatches:
    """The batches of all epochs, which Lightning reads in one pass. Nothing restarts between epochs."""

    encoded: Encoded
    collate: Collate
    batch_size: int
    epochs: int
    seed: int

    def __len__(self) -> int:
        return -(-len(self.encoded.examples) // self.batch_size) * self.epochs

    def __iter__(self) -> Iterator[Batch]:
        for epoch in range(self.epochs):
            for numbers in training_order(self.encoded.lengths, self.batch_size, (self.seed, epoch)):
                yield batch_of(self.encoded, numbers, self.collate)


def batch_of(encoded: Encoded, numbers: NDArray[np.int64], collate: Collate) -> Batch:
    """Returns `inputs` for the encoder and `labels` for the head."""
    return {"inputs": pad(encoded, numbers), "labels": collate([encoded.examples[number] for number in numbers])}
