"""Noise that takes spans out of a text: what is taken, where, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from kobert_pipeline.masking.noise import MASK, masked, parts_of, poisson_lengths, reordered, scattered, share_of
from kobert_pipeline.masking.sentinels import corrupted, restored

SENTINELS = np.arange(1_000, 1_100)
seeds, sizes = some.integers(0, 2**32), some.integers(1, 90)


@given(some.lists(some.integers(0, 999), min_size=1, max_size=90), some.floats(0.01, 0.99), some.floats(1, 20), seeds)
def test_source_and_target_together_are_the_text(tokens: list[int], share: float, mean_span: float, seed: int) -> None:
    rng, text = np.random.default_rng(seed), np.array(tokens)
    count = share_of(len(text), share)
    lengths = parts_of(count, max(1, round(count / mean_span)), rng)
    source, target = corrupted(text, scattered(lengths, len(text), rng), SENTINELS)
    assert restored(source, target, SENTINELS).tolist() == tokens
    in_source, in_target = (part[part >= 1_000].tolist() for part in (source, target))
    assert in_source == list(range(1_000, 1_000 + len(in_source))), "sentinels are in order"
    assert in_target == [*in_source, 1_000 + len(in_source)]
    assert len(target) - len(in_target) == count
    assert not (np.diff(np.flatnonzero(source >= 1_000)) == 1).any(), "spans have a token between them"


@given(sizes, some.floats(0, 0.99), some.floats(0.5, 9), seeds)
def test_infilling_takes_exactly_its_share_and_no_text_grows(
    size: int, share: float, mean_span: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    lengths = poisson_lengths(share_of(size, share), mean_span, rng)
    assert lengths.sum() == share_of(size, share)
    places = masked(np.arange(size), scattered(lengths, size, rng))
    text = places[places != MASK]
    assert len(text) == size - share_of(size, share)
    assert len(places) <= size
    assert (np.diff(text) > 0).all(), "what stays, stays in order"
    assert not (np.diff(np.flatnonzero(places == MASK)) == 1).any()


def test_lengths_are_poisson_and_a_span_may_be_anywhere() -> None:
    rng = np.random.default_rng(0)
    lengths = np.concatenate([poisson_lengths(3_000, 3.0, rng)[:-1] for _ in range(10)])
    assert lengths.mean() == pytest.approx(3, abs=0.1)
    assert lengths.var() == pytest.approx(3, abs=0.2)
    assert (lengths == 0).mean() == pytest.approx(np.exp(-3), abs=0.01)
    taken = np.zeros(10)
    for _ in range(4_000):
        spans = scattered(np.array([2]), 10, rng)
        taken[spans.starts[0] : spans.starts[0] + 2] += 1
    assert np.allclose(taken[1:-1] / 4_000, 2 / 9, atol=0.03)
    assert np.allclose(taken[[0, -1]] / 4_000, 1 / 9, atol=0.02), "the last token is no likelier than the first"


@given(some.lists(some.integers(1, 6), min_size=1, max_size=12), some.floats(0, 1), seeds)
def test_sentences_change_places_whole(lengths: list[int], share: float, seed: int) -> None:
    """fairseq finds sentences by the number of a full stop in its own dictionary: with another one it permutes nothing."""
    starts = np.cumsum([0, *lengths[:-1]])
    places = reordered(starts, sum(lengths), share, np.random.default_rng(seed))
    sentences = [list(range(start, start + length)) for start, length in zip(starts, lengths, strict=True)]
    of_first = {sentence[0]: sentence for sentence in sentences}
    found, rest = [], places.tolist()
    while rest:
        sentence = of_first[rest[0]]
        assert rest[: len(sentence)] == sentence
        found, rest = [*found, sentence], rest[len(sentence) :]
    assert sorted(found) == sentences
    moved = sum(one != other for one, other in zip(found, sentences, strict=True))
    assert moved <= round(len(lengths) * share)


def test_permutation_really_permutes() -> None:
    rng, starts = np.random.default_rng(0), np.arange(0, 40, 4)
    orders = {tuple(reordered(starts, 40, 1.0, rng)) for _ in range(50)}
    assert len(orders) == 50
