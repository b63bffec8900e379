"""Batches: every row once an epoch, padded to the longest of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import integers, lists

from klue_eval.batches import TrainingBatches, encode_features, pad, scoring_order, training_order
from klue_eval.data import SAMPLE, read_split
from klue_eval.finetune import scoring_steps
from klue_eval.task import Features
from klue_eval.tasks import TASKS


@given(lengths=lists(integers(1, 100), min_size=1, max_size=300), batch_size=integers(1, 8), seed=integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_every_row_is_drawn_once_an_epoch(lengths: list[int], batch_size: int, seed: int) -> None:
    array = np.array(lengths)
    for order in (training_order(array, batch_size, (seed, 0)), scoring_order(array, batch_size)):
        assert sorted(np.concatenate(order)) == list(range(len(lengths)))
        assert len(order) == -(-len(lengths) // batch_size)


def test_epochs_differ_and_a_seed_repeats_them() -> None:
    lengths = np.arange(100) % 7
    first, second = (np.concatenate(training_order(lengths, 4, (42, epoch))) for epoch in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, np.concatenate(training_order(lengths, 4, (42, 0))))


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_is_what_the_tokenizer_pads(name: str, tokenizer: Any) -> None:
    features = [TASKS[name].encode(row) for row in read_split(name, SAMPLE, "dev").rows]
    encoded = encode_features(tokenizer, features, 128)
    rows = np.array([4, 0, 11])
    batch = pad(encoded, rows)
    pairs = None if features[0].pair is None else [features[row].pair for row in rows]
    expected = tokenizer([features[row].text for row in rows], pairs, padding=True, return_tensors="pt")
    assert batch.keys() == expected.keys()
    assert all(torch.equal(batch[column], expected[column]) for column in expected)


def test_longer_rows_are_truncated_and_counted(tokenizer: Any) -> None:
    features = [Features("구름 많고 " * 40, pair="맑은 하루"), Features("구름", pair="맑음")]
    encoded = encode_features(tokenizer, features, 16)
    assert encoded.truncated == 1
    assert encoded.lengths.max() == 16


def test_one_pass_holds_the_steps_of_all_epochs(tokenizer: Any) -> None:
    encoded = encode_features(tokenizer, [Features(f"{number}번째 소식") for number in range(10)], 16)
    batches = TrainingBatches(encoded, torch.arange(10), batch_size=4, epochs=3, seed=1)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 9
    assert torch.equal(
        torch.cat([batch["targets"] for batch in drawn]).sort().values, torch.arange(10).repeat(3).sort().values
    )


@given(steps=integers(1, 500), scorings=integers(0, 40))
def test_the_last_step_is_always_scored(steps: int, scorings: int) -> None:
    found = scoring_steps(steps, scorings)
    assert max(found) == steps
    assert min(found) >= 1
    assert len(found) == max(1, min(steps, scorings))
