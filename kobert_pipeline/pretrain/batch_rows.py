"""Parts of a batch: its rows, packed or not."""

from __future__ import annotations

from itertools import pairwise

import torch

from kobert_pipeline.dataset.best_fit import EMPTY
from kobert_pipeline.objectives.objective import Batch


def row_count(batch: Batch) -> int:
    """The number of examples or, if they are packed, of packed rows."""
    return len(batch.get("packing", batch["attention_mask"]))


def take_rows(batch: Batch, first: int, end: int) -> Batch:
    """Rows [first, end) of a batch; packed rows come with the examples that they hold."""
    if "packing" not in batch:
        return {name: tensor[first:end] for name, tensor in batch.items()}
    packing, width = batch["packing"][first:end], batch["input_ids"].shape[1]
    held = packing[packing != EMPTY]
    begin, stop = int(held.min()) // width, int(held.max()) // width + 1
    moved = torch.where(packing == EMPTY, packing, packing - begin * width)
    return {name: tensor[begin:stop] for name, tensor in batch.items()} | {"packing": moved}


def micro_batches(batch: Batch, rows: int | None) -> list[Batch]:
    """The batch in parts of at most this many rows, in nearly equal numbers; none if it has no row."""
    size = row_count(batch)
    count = -(-size // rows) if rows else min(1, size)
    if count == 1:
        return [batch]
    borders = [size * number // max(1, count) for number in range(count + 1)]
    return [take_rows(batch, first, end) for first, end in pairwise(borders)]


def blank(batch: Batch) -> Batch:
    """One row of the batch's widths without meaning: a rank without rows computes it, because it takes part in the exchange of
    gradients too."""
    return {
        name: tensor.new_full((1, *tensor.shape[1:]), int(name == "attention_mask")) for name, tensor in batch.items()
    }
