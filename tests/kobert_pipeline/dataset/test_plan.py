from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobert_pipeline.dataset.marks import EOJEOL_START
from kobert_pipeline.dataset.plan import IS_NEXT, IS_RANDOM, PlanContext, contiguous, segment_pairs, shares_of_cut
from kobert_pipeline.dataset.store import Block


def a_block(sizes: list[list[int]], continuity: list[bool] | None = None) -> Block:
    """A block whose document i has sentences of the given numbers of pieces; every piece is its own position."""
    lengths = [length for document in sizes for length in document]
    offsets = np.cumsum([0, *lengths])
    return Block(
        tokens=np.arange(offsets[-1], dtype=np.uint32),
        marks={EOJEOL_START: np.ones(offsets[-1], dtype=bool)},
        sentence_offsets=offsets.astype(np.int64),
        document_offsets=np.cumsum([0, *(len(document) for document in sizes)]).astype(np.int64),
        source=np.zeros(len(sizes), dtype=np.uint8),
        continuity=np.array(continuity or [True] * len(sizes)),
    )


def context(max_length: int = 32, **changes: int) -> PlanContext:
    return PlanContext(**({"seed": 1, "epoch": 0, "block": 0, "phase": 0, "max_length": max_length} | changes))


blocks = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=15).map(a_block)


def document_of(block: Block, piece: int) -> int:
    sentence = int(np.searchsorted(block.sentence_offsets, piece, side="right")) - 1
    return int(np.searchsorted(block.document_offsets, sentence, side="right")) - 1


@settings(deadline=None)
@given(block=blocks, max_length=st.integers(8, 64), epoch=st.integers(0, 5))
def test_every_piece_of_a_contiguous_plan_is_used_exactly_once(block, max_length, epoch):
    examples = contiguous(block, context(max_length, epoch=epoch))
    used = [
        piece
        for number in range(len(examples))
        for start, end in examples.ranges(number)
        for piece in range(start, end)
    ]
    assert sorted(used) == block.tokens.tolist()
    assert (examples.lengths <= max_length).all()
    assert (examples.lengths[:-1] >= max_length - 1).all()


@settings(deadline=None)
@given(block=blocks, max_length=st.integers(12, 64), seed=st.integers(0, 9))
def test_a_pair_fits_and_counts_its_special_tokens(block, max_length, seed):
    examples = segment_pairs(block, context(max_length, seed=seed))
    for number in range(len(examples)):
        (a_start, a_end), (b_start, b_end) = examples.ranges(number)
        assert a_end > a_start
        assert b_end > b_start
        assert examples.lengths[number] == (a_end - a_start) + (b_end - b_start) + 3 <= max_length


@settings(deadline=None)
@given(block=blocks, seed=st.integers(0, 9))
def test_random_segments_come_from_another_document_and_true_ones_follow(block, seed):
    examples = segment_pairs(block, context(48, seed=seed))
    for number, label in enumerate(examples.labels["next_sentence_label"]):
        (a_start, a_end), (b_start, _) = examples.ranges(number)
        same = document_of(block, a_start) == document_of(block, b_start)
        assert same == (label == IS_NEXT)
        assert label == IS_RANDOM or b_start >= a_end


@settings(deadline=None)
@given(block=blocks, seed=st.integers(0, 9))
def test_every_sentence_lies_in_exactly_one_first_or_true_next_segment(block, seed):
    """The law of the pairs, with room enough that nothing is truncated: only documents of one sentence are left out."""
    examples = segment_pairs(block, context(100_000, seed=seed), short_probability=0.0)
    used: Counter[int] = Counter()
    for number, label in enumerate(examples.labels["next_sentence_label"]):
        first, second = examples.ranges(number)
        for start, end in [first, second] if label == IS_NEXT else [first]:
            used.update(range(start, end))
    sizes = np.diff(block.document_offsets)
    expected = [piece for piece in block.tokens.tolist() if sizes[document_of(block, piece)] > 1]
    missing = examples.counts["no_other_document"]
    assert set(used.values()) <= {1}
    assert missing or sorted(used) == expected


def test_labels_are_balanced_over_many_pairs():
    rng = np.random.default_rng(0)
    block = a_block([rng.integers(5, 40, rng.integers(2, 30)).tolist() for _ in range(800)])
    labels = segment_pairs(block, context(128)).labels["next_sentence_label"]
    assert len(labels) > 2_000
    assert abs(labels.mean() - 0.5) < 0.03


def test_one_sentence_documents_and_lines_without_continuity_are_left_out_and_counted():
    block = a_block([[5], [5, 5], [5, 5], [5, 5, 5]], continuity=[True, True, True, False])
    examples = segment_pairs(block, context(64))
    assert examples.counts["one_sentence"] == 1
    assert examples.counts["no_continuity"] == 1
    assert {document_of(block, start) for start in examples.starts.tolist()} == {1, 2}


def test_plans_are_pure_and_differ_by_epoch():
    block = a_block([[7, 9, 4, 6, 8]] * 20)
    for plan in (segment_pairs, contiguous):
        again, other = plan(block, context()), plan(block, context(epoch=1))
        assert np.array_equal(plan(block, context()).starts, again.starts)
        assert not np.array_equal(again.starts, other.starts)


@given(first=st.integers(1, 200), second=st.integers(1, 200), excess=st.integers(1, 100))
def test_the_longer_segment_always_loses_the_next_piece(first, second, excess):
    lost = [0, 0]
    left = [first, second]
    for _ in range(excess):
        longer = 0 if left[0] > left[1] else 1
        left[longer] -= 1
        lost[longer] += 1
    cut = shares_of_cut(first, second, excess)
    assert sum(cut) == excess
    assert max(abs(cut[0] - lost[0]), abs(cut[1] - lost[1])) <= 1


def test_a_large_block_is_planned_quickly_enough_to_be_planned_when_reached():
    """No time is asserted: 65,536 sentences are planned without recursion or per-piece work."""
    rng = np.random.default_rng(0)
    block = a_block([rng.integers(5, 40, 16).tolist() for _ in range(4_096)])
    assert len(segment_pairs(block, context(128))) > 10_000


def test_no_example_is_made_of_a_block_without_pairs():
    examples = segment_pairs(a_block([[4], [5]]), context())
    assert len(examples) == 0
    assert examples.lengths.dtype == np.int64


@pytest.mark.parametrize("plan", [segment_pairs, contiguous])
def test_ranges_never_cross_a_document(plan):
    block = a_block([[3, 4], [9, 2, 5], [6, 6]])
    examples = plan(block, context(12))
    for start, end in zip(examples.starts.tolist(), examples.ends.tolist(), strict=True):
        assert document_of(block, start) == document_of(block, end - 1)
