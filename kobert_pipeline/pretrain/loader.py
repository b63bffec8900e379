"""From the stream to the training step, in this process or through workers.

Passing a tensor between processes costs more than drawing its numbers. So a worker folds a batch into one int32 tensor, half the
size of what models take, and the batch is unfolded on the device.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from kobert_pipeline.objectives.objective import Batch
from kobert_pipeline.pretrain.data import BatchStream

PREFETCHED = 4
"""The number of batches that a worker draws ahead."""

FOLDED = {"int64": torch.int64, "int32": torch.int32, "bool": torch.bool}


class Parcel(NamedTuple):
    """A batch as it travels."""

    joined: Tensor
    """int32: its whole numbers and booleans, one tensor after the other."""
    shapes: list[tuple[str, str, list[int]]]
    """Name, type and shape of each tensor."""
    others: Batch
    """Tensors of other types, as they are."""


def loader(stream: BatchStream, workers: int) -> Iterable[Any]:
    """Batches from the stream's cursor on. Order and content are the same for any number of workers."""
    pinned = torch.cuda.is_available()
    alone = DataLoader(stream, batch_size=None, pin_memory=pinned)
    if not workers:
        return alone
    by_workers = DataLoader(
        _Shares(stream),
        batch_size=None,
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=PREFETCHED,
        multiprocessing_context="spawn",
        worker_init_fn=_leave_signals_to_the_parent,
        generator=torch.Generator(),  # draws a seed for workers; without it, torch's own state would be used
    )
    return _WhenTheLengthIsKnown(stream, alone, by_workers)


class _WhenTheLengthIsKnown:
    """Workers draw ahead with the state that they get when they start. Phases and batch sizes depend on the run's length, so this
    process draws until the length is fixed."""

    def __init__(self, stream: BatchStream, alone: Iterable[Any], by_workers: Iterable[Any]) -> None:
        self.stream, self.alone, self.by_workers = stream, alone, by_workers

    def __iter__(self) -> Iterator[Any]:
        drawn = iter(self.alone)
        while self.stream.horizon.total is None:
            yield next(drawn)
        yield from self.by_workers


class _Shares(IterableDataset[Any]):
    """Each worker plans every block and draws its own share of the batches; the loader takes one from each in turn."""

    def __init__(self, stream: BatchStream) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[tuple[Parcel, dict[str, int]]]:
        info = get_worker_info()
        assert info is not None
        for batch, cursor in self.stream.share(info.id, info.num_workers):
            yield fold(batch), cursor


def _leave_signals_to_the_parent(_: int) -> None:
    """Ctrl-C and a scheduler's SIGTERM may reach every process, but the run ends after a step that still needs batches."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def fold(batch: Batch) -> Parcel:
    kinds = {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in batch.items()}
    names = [name for name in batch if kinds[name] in FOLDED]
    joined = torch.cat([batch[name].flatten().long() for name in names]) if names else torch.zeros(0, dtype=torch.int64)
    folded = joined.int()
    assert torch.equal(folded, joined), "a number of the batch does not fit 32 bits"
    shapes = [(name, kinds[name], list(batch[name].shape)) for name in names]
    return Parcel(folded, shapes, {name: tensor for name, tensor in batch.items() if kinds[name] not in FOLDED})


def unfold(parcel: Parcel) -> Batch:
    """The batch that was folded, on the device of the parcel."""
    batch, start = dict(parcel.others), 0
    for name, kind, shape in parcel.shapes:
        size = torch.Size(shape).numel()
        batch[name] = parcel.joined[start : start + size].view(shape).to(FOLDED[kind])
        start += size
    return batch
