"""Rows of packed examples: nothing lost, nothing too long, hardly anything empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.dataset.packing import EMPTY, best_fit, layout

lengths_and_rows = st.integers(8, 200).flatmap(
    lambda row_length: st.tuples(st.lists(st.integers(4, row_length), min_size=1, max_size=200), st.just(row_length))
)


def packed(lengths: list[int], row_length: int, seed: int = 0) -> np.ndarray:
    return best_fit(np.array(lengths), row_length, np.random.default_rng(seed))


@given(given=lengths_and_rows, seed=st.integers(0, 9))
def test_every_example_lies_in_exactly_one_row_and_no_row_is_too_long(given, seed):
    lengths, row_length = given
    rows = packed(lengths, row_length, seed)
    assert sorted(rows[rows != EMPTY].tolist()) == list(range(len(lengths)))
    assert max(sum(lengths[example] for example in row if example != EMPTY) for row in rows.tolist()) <= row_length
    behind = np.cumsum(rows == EMPTY, axis=1) > 0
    assert (rows[behind] == EMPTY).all()


@given(given=lengths_and_rows)
def test_no_two_rows_would_fit_into_one(given):
    """What best fit promises: a row is opened only for an example that no row has room for."""
    lengths, row_length = given
    used = sorted(sum(lengths[example] for example in row if example != EMPTY) for row in packed(lengths, row_length))
    assert len(used) == 1 or used[0] + used[1] > row_length


def test_an_example_goes_into_the_fullest_row_that_has_room():
    rows = packed([70, 60, 30, 40], 100)
    assert {frozenset(row) for row in rows.tolist()} == {frozenset({0, 2}), frozenset({1, 3})}


@pytest.mark.parametrize("row_length", [512, 1_024])
def test_rows_of_ordinary_lengths_are_full_to_98_percent(row_length):
    """Documents of 12 sentences of 24 pieces on the average, cut into pairs of 128: most full, some of any length."""
    rng = np.random.default_rng(0)
    lengths = np.where(rng.random(6_000) < 0.6, 128, rng.integers(8, 128, 6_000))
    rows = best_fit(lengths, row_length, rng)
    assert lengths.sum() / (len(rows) * row_length) > 0.98


def test_equal_lengths_are_packed_in_another_order_every_time():
    first, second = (packed([50] * 40, 100, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, packed([50] * 40, 100, 0))


def test_nothing_gives_no_rows():
    assert len(packed([], 100)) == 0


@given(given=lengths_and_rows, extra=st.integers(0, 5))
def test_the_layout_holds_every_piece_of_the_batch_once_and_examples_in_one_piece(given, extra):
    lengths, row_length = given
    rows, width = packed(lengths, row_length), max(lengths) + extra
    laid = layout(np.array(lengths), rows, row_length, width)
    chosen = rows[rows != EMPTY]
    expected = [example * width + piece for example, one in enumerate(chosen) for piece in range(lengths[one])]
    assert laid.shape == (len(rows), row_length)
    assert laid[laid != EMPTY].tolist() == expected
    for row, members in zip(laid, rows, strict=True):
        used = sum(lengths[example] for example in members if example != EMPTY)
        assert (row[:used] != EMPTY).all()
        assert (row[used:] == EMPTY).all()
