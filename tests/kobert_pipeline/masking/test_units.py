"""Units and spans, compared with the same written as loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.spans import geometric_lengths, ngram_lengths, span_keys
from kobert_pipeline.masking.units import choose_units, take_while_they_fit, units_of


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), budget=st.integers(0, 30))
def test_units_are_taken_in_order_while_they_fit_and_skipped_otherwise(sizes, budget):
    left, expected = budget, []
    for size in sizes:
        expected.append(size <= left)
        left -= size if size <= left else 0
    assert take_while_they_fit(np.array([sizes]), np.array([budget])).tolist() == [expected]


def test_units_end_at_special_tokens():
    """[CLS] 봄 ##이 오면 [SEP] ##다 [SEP]: the part of an eojeol after a cut is a unit of its own."""
    starts = np.array([[0, 1, 0, 1, 0, 0, 0]], dtype=bool)
    maskable = np.array([[0, 1, 1, 1, 0, 1, 0]], dtype=bool)
    units = units_of(starts, maskable)
    assert units.begins.tolist() == [[False, True, False, True, False, True, False]]
    assert units.size.tolist() == [[0, 2, 0, 1, 0, 1, 0]]
    assert units.first[maskable].tolist() == [1, 1, 3, 5]


def spans(rows: int, length: int, budget: int, longest: int = 10) -> np.ndarray:
    """(rows, length) bool: what spans over units of one token select."""
    maskable = np.ones((rows, length), dtype=bool)
    generator = RowGenerator(0, 0, 0, rows, length)
    units = units_of(maskable, maskable)
    lengths = geometric_lengths(generator.words(2, length), 0.2, longest)
    keys = span_keys(units, maskable, generator.words(1, length), lengths)
    return choose_units(keys, units, maskable, np.full(rows, budget))


def run_lengths(selected: np.ndarray) -> np.ndarray:
    edges = np.diff(np.pad(selected, ((0, 0), (1, 1))).astype(np.int8).ravel())
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


def drawn_one_after_the_other(rng: np.random.Generator, length: int, budget: int) -> np.ndarray:
    """SpanBERT's procedure, literally: draw a length and a beginning, draw again if it is masked, up to the budget."""
    weights = 0.2 * 0.8 ** np.arange(10)
    selected = np.zeros(length, dtype=bool)
    while selected.sum() < budget:
        span, begin = rng.choice(10, p=weights / weights.sum()) + 1, rng.integers(length)
        if not selected[begin]:
            for position in range(begin, min(begin + span, length)):
                selected[position] |= selected.sum() < budget
    return selected


def test_lengths_of_spans_follow_the_geometric_law():
    words = RowGenerator(3, 0, 0, 1_000, 1_000).words(2, 1_000)
    lengths = geometric_lengths(words, 0.2, 10)
    weights = 0.2 * 0.8 ** np.arange(10)
    assert np.bincount(lengths.ravel(), minlength=11)[1:] / lengths.size == pytest.approx(
        weights / weights.sum(), abs=0.002
    )
    assert lengths.mean() == pytest.approx(3.8, abs=0.01)


def test_runs_of_masked_units_are_those_of_spans_drawn_one_after_the_other():
    """800 rows of 256 with 38 masked (15 %): means of some 6,600 runs, whose standard error is .05."""
    rng = np.random.default_rng(0)
    reference = run_lengths(np.stack([drawn_one_after_the_other(rng, 256, 38) for _ in range(800)]))
    found = run_lengths(spans(800, 256, 38))
    assert found.mean() == pytest.approx(reference.mean(), abs=0.2)
    shares = [np.bincount(np.minimum(runs, 15), minlength=16) / len(runs) for runs in (found, reference)]
    assert abs(shares[0] - shares[1]).max() < 0.025


def test_every_row_of_spans_spends_its_budget():
    assert (spans(200, 128, 19).sum(axis=1) == 19).all()
    assert (spans(50, 8, 8).sum(axis=1) == 8).all()


def test_a_span_of_one_is_a_single_unit():
    assert run_lengths(spans(100, 128, 3, longest=1)).mean() < 1.1


def test_no_span_crosses_a_special_token():
    """Every unit begins a long span, which may cover only its own segment."""
    maskable = np.ones((1, 9), dtype=bool)
    maskable[0, 4] = False
    units = units_of(maskable, maskable)
    words = np.full((1, 9), 2**40, dtype=np.uint64)
    words[0, 3] = 1  # the first span begins just before the special token
    keys = span_keys(units, maskable, words, np.full((1, 9), 9))
    assert (keys[0] == 1).tolist() == [False, False, False, True, True, False, False, False, False]


def test_ranks_draw_the_rows_of_the_whole_batch():
    whole = RowGenerator(1, 2, 0, 8, 50).words(1, 50)
    halves = [RowGenerator(1, 2, first, 4, 50).words(1, 50) for first in (0, 4)]
    assert np.array_equal(np.concatenate(halves), whole)
    assert np.array_equal(RowGenerator(1, 2, 0, 8, 50).words(1, 20), whole[:, :20])
    assert len(np.unique(whole)) == whole.size
    assert not np.isin(RowGenerator(1, 2, 0, 8, 50).words(2, 50), whole).any()


def test_n_gram_lengths_follow_one_over_n():
    """Over a million draws: 6/11, 3/11 and 2/11 for n up to 3."""
    lengths = ngram_lengths(np.random.default_rng(0).integers(0, 2**64, 1_000_000, dtype=np.uint64), 3)
    shares = np.bincount(lengths, minlength=4)[1:] / len(lengths)
    assert shares == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=0.002)
