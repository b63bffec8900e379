"""Rows of packed examples: nothing lost, nothing too long, almost nothing empty."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.dataset.best_fit import EMPTY, best_fit, layout
from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.segment_pairs import segment_pairs
from kobert_pipeline.dataset.sentence_order import sentence_order
from kobert_pipeline.dataset.store import Block

lengths_and_rows = st.integers(8, 200).flatmap(
    lambda row_length: st.tuples(st.lists(st.integers(4, row_length), min_size=1, max_size=200), st.just(row_length))
)


def packed(lengths: list[int], row_length: int, seed: int = 0) -> np.ndarray:
    return best_fit(np.array(lengths), row_length, np.random.default_rng(seed))


@given(given=lengths_and_rows, seed=st.integers(0, 9))
def test_every_example_is_in_exactly_one_row_and_no_row_is_too_long(given, seed):
    lengths, row_length = given
    rows = packed(lengths, row_length, seed)
    assert sorted(rows[rows != EMPTY].tolist()) == list(range(len(lengths)))
    assert max(sum(lengths[example] for example in row if example != EMPTY) for row in rows.tolist()) <= row_length
    after_the_last = np.cumsum(rows == EMPTY, axis=1) > 0
    assert (rows[after_the_last] == EMPTY).all()


@given(given=lengths_and_rows)
def test_no_two_rows_would_fit_into_one(given):
    """Best fit opens a row only for an example that no other row has room for."""
    lengths, row_length = given
    used = sorted(sum(lengths[example] for example in row if example != EMPTY) for row in packed(lengths, row_length))
    assert len(used) == 1 or used[0] + used[1] > row_length


def test_an_example_goes_into_the_fullest_row_that_has_room():
    rows = packed([70, 60, 30, 40], 100)
    assert {frozenset(row) for row in rows.tolist()} == {frozenset({0, 2}), frozenset({1, 3})}


def documents() -> Block:
    """2,000 documents of 2 to 29 sentences of 5 to 39 tokens."""
    rng = np.random.default_rng(0)
    sentences = np.append(0, np.cumsum(rng.integers(2, 30, 2_000)))
    tokens = np.append(0, np.cumsum(rng.integers(5, 40, sentences[-1])))
    return Block(
        tokens=np.zeros(tokens[-1], np.uint16),
        annotations={},
        sentence_offsets=tokens,
        document_offsets=sentences,
        source=np.zeros(2_000, np.uint8),
        continuity=np.ones(2_000, bool),
        paragraph_end=np.zeros(sentences[-1], bool),
    )


@pytest.mark.parametrize("plan", [segment_pairs, sentence_order, partial(full_rows, across_documents=False)])
@pytest.mark.parametrize(("max_length", "row_length"), [(128, 512), (256, 512), (512, 512), (512, 1_024)])
def test_rows_of_ordinary_text_are_full_to_98_percent(plan, max_length, row_length):
    lengths = plan(documents(), PlanContext(0, 0, 0, 0, max_length)).lengths
    rows = best_fit(lengths, row_length, np.random.default_rng(0))
    assert lengths.sum() / (len(rows) * row_length) >= 0.98
    assert lengths.mean() / max_length < 0.95, "packing has something to gain"


def test_equal_lengths_are_packed_in_another_order_every_time():
    first, second = (packed([50] * 40, 100, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, packed([50] * 40, 100, 0))


def test_no_examples_give_no_rows():
    assert len(packed([], 100)) == 0


@given(given=lengths_and_rows, extra=st.integers(0, 5))
def test_the_layout_holds_every_token_of_the_batch_once_and_each_example_whole(given, extra):
    lengths, row_length = given
    rows, width = packed(lengths, row_length), max(lengths) + extra
    laid = layout(np.array(lengths), rows, row_length, width)
    chosen = rows[rows != EMPTY]
    expected = [example * width + token for example, number in enumerate(chosen) for token in range(lengths[number])]
    assert laid.shape == (len(rows), row_length)
    assert laid[laid != EMPTY].tolist() == expected
    for row, members in zip(laid, rows, strict=True):
        used = sum(lengths[example] for example in members if example != EMPTY)
        assert (row[:used] != EMPTY).all()
        assert (row[used:] == EMPTY).all()
