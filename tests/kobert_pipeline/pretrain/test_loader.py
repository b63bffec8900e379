"""Whoever draws the batches, they are the same, in the same order."""

from __future__ import annotations

import itertools
import pickle

import pytest
import torch

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, Cursor
from kobert_pipeline.pretrain.loader import fold, loader, unfold
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SETTINGS = {
    "objective": {"name": "mlm_nsp"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16},
    "max_steps": 20,
    "phases": [
        {"max_length": 32, "batch_size": 8, "share": 0.5},
        {"max_length": 48, "batch_size": 4, "share": 0.5, "row_length": 128},
    ],
}


@pytest.fixture
def stream(tiny):
    info = tokenizer_info(tiny.tokenizer)
    config = PretrainConfig.parse(SETTINGS)
    return lambda: BatchStream(Store(tiny.dataset), OBJECTIVES["mlm_nsp"], config, info, 1)


def same(first, second):
    """Bit for bit, types included."""
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and torch.equal(first[name], second[name]) for name in first
    )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_shares_of_workers_taken_in_turn_are_the_stream(stream, workers):
    whole = list(itertools.islice(stream(), 20))
    shares = [stream().share(worker, workers) for worker in range(workers)]
    drawn = [next(shares[number % workers]) for number in range(20)]
    assert all(same(one, two) and at == behind for (one, at), (two, behind) in zip(drawn, whole, strict=True))


def test_a_batch_survives_its_folding(stream):
    for batch, _ in itertools.islice(stream(), 12):
        odd = batch | {"weights": torch.rand(3, 2), "none": torch.zeros(0, 4, dtype=torch.bool), "one": torch.tensor(7)}
        parcel = fold(odd)
        assert parcel.joined.dtype == torch.int32
        assert same(unfold(parcel), odd)


def test_a_batch_of_other_numbers_is_folded_to_nothing():
    odd = {"weights": torch.rand(3, 2)}
    assert same(unfold(fold(odd)), odd)


def test_the_stream_travels_to_a_worker(stream):
    assert same(next(iter(pickle.loads(pickle.dumps(stream()))))[0], next(iter(stream()))[0])


def from_workers(stream, workers, cursor, count):
    """The batches as they reach training, from `cursor` on."""
    stream.cursor = Cursor(**cursor)
    drawn = itertools.islice(loader(stream, workers), count)
    return [(unfold(batch) if workers else batch, behind) for batch, behind in drawn]


@pytest.mark.system
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_batches_from_any_step(stream, workers):
    """From step 7 on, over a phase's end at 10, where examples begin to be packed."""
    whole = list(itertools.islice(stream(), 15))
    alone, drawn = (from_workers(stream(), number, whole[6][1], 8) for number in (0, workers))
    for expected in (whole[7:], alone):
        assert all(same(one, two) and at == behind for (one, at), (two, behind) in zip(drawn, expected, strict=True))
