"""Laws of the plans: which tokens an example holds, how often, and what is counted."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobert_pipeline.dataset.annotations import EOJEOL_START
from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.dataset.pairs import truncation
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.segment_pairs import IS_NEXT, IS_RANDOM, segment_pairs
from kobert_pipeline.dataset.sentence_order import IN_ORDER, SWAPPED, sentence_order
from kobert_pipeline.dataset.shares import repeats_for
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.ground.contents.token_store import StoreSource
from kobert_pipeline.ground.errors import RecipeError

PLANS = {
    "cut_at_tokens": full_rows,
    "full_sentences": partial(full_rows, whole_sentences=True),
    "doc_sentences": partial(full_rows, whole_sentences=True, across_documents=False),
    "segment_pairs": segment_pairs,
    "sentence_order": sentence_order,
}


def a_block(sizes: list[list[int]], continuity: list[bool] | None = None, source: list[int] | None = None) -> Block:
    """A block whose document i has sentences of the given numbers of tokens; every token is its own position."""
    lengths = [length for document in sizes for length in document]
    offsets = np.cumsum([0, *lengths])
    return Block(
        tokens=np.arange(offsets[-1], dtype=np.uint32),
        annotations={EOJEOL_START: np.ones(offsets[-1], dtype=bool)},
        sentence_offsets=offsets.astype(np.int64),
        document_offsets=np.cumsum([0, *(len(document) for document in sizes)]).astype(np.int64),
        source=np.array(source or [0] * len(sizes), dtype=np.uint8),
        continuity=np.array(continuity or [True] * len(sizes)),
        paragraph_end=np.zeros(len(lengths), dtype=bool),
    )


def many(documents: int, seed: int = 0) -> Block:
    rng = np.random.default_rng(seed)
    return a_block([rng.integers(5, 40, rng.integers(2, 30)).tolist() for _ in range(documents)])


def context(max_length: int = 32, **changes: object) -> PlanContext:
    return PlanContext(**({"seed": 1, "epoch": 0, "block": 0, "phase": 0, "max_length": max_length} | changes))


blocks = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=15).map(a_block)


def document_of(block: Block, tokens: object) -> np.ndarray:
    return np.searchsorted(block.token_offsets, tokens, side="right") - 1


def tokens_of(examples: Examples) -> list[list[int]]:
    """The tokens of each example, special tokens left out."""
    return [
        [token for start, end in examples.ranges(number) for token in range(start, end)]
        for number in range(len(examples))
    ]


def flat(lists: list[list[int]]) -> list[int]:
    return [item for one in lists for item in one]


# --- every plan ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@settings(max_examples=40)
@given(block=blocks, max_length=st.integers(12, 64), seed=st.integers(0, 9))
def test_examples_fit_count_their_special_tokens_and_never_cross_a_document(plan, block, max_length, seed):
    examples = plan(block, context(max_length, seed=seed))
    assert (examples.ends > examples.starts).all()
    assert np.array_equal(document_of(block, examples.starts), document_of(block, examples.ends - 1))
    sizes = np.add.reduceat(examples.ends - examples.starts, examples.offsets[:-1]) if len(examples) else 0
    assert np.array_equal(examples.lengths, sizes + 1 + np.diff(examples.offsets))
    assert (examples.lengths <= max_length).all()


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_plans_are_pure_and_differ_by_epoch(plan):
    block = a_block([[7, 9, 4, 6, 8]] * 20)
    again, other = plan(block, context()), plan(block, context(epoch=1))
    assert np.array_equal(plan(block, context()).starts, again.starts)
    assert not np.array_equal(again.starts, other.starts)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_documents_are_read_as_often_as_their_source_asks(plan):
    """Two sources of equal size, read 2.5 times and half a time: 50 documents each, over many epochs."""
    block = a_block([[6, 6, 6]] * 100, source=[0, 1] * 50)
    drawn: Counter[int] = Counter()
    for epoch in range(40):
        examples = plan(block, context(24, epoch=epoch, repeats=(2.5, 0.5)))
        first = document_of(block, examples.starts[examples.offsets[:-1]])
        drawn.update(block.source[first].tolist())
    assert drawn[0] / (drawn[0] + drawn[1]) == pytest.approx(5 / 6, abs=0.03)


# --- full rows -------------------------------------------------------------------------------------------------------


@given(block=blocks, max_length=st.integers(8, 64), whole=st.booleans(), across=st.booleans())
def test_every_token_is_in_exactly_one_full_row(block, max_length, whole, across):
    examples = full_rows(block, context(max_length), whole_sentences=whole, across_documents=across)
    assert sorted(flat(tokens_of(examples))) == block.tokens.tolist()


@given(block=blocks, max_length=st.integers(8, 64), epoch=st.integers(0, 5))
def test_rows_cut_at_tokens_are_full(block, max_length, epoch):
    assert (full_rows(block, context(max_length, epoch=epoch)).lengths[:-1] >= max_length - 1).all()


@given(block=blocks, across=st.booleans())
def test_rows_of_full_sentences_end_at_sentences_unless_one_is_longer_than_a_row(block, across):
    examples = full_rows(block, context(20), whole_sentences=True, across_documents=across)
    inside = ~np.isin(examples.ends, block.sentence_offsets)
    assert inside.sum() == examples.counts["cut_sentences"]
    longest = np.diff(block.sentence_offsets)[np.searchsorted(block.sentence_offsets, examples.ends[inside]) - 1]
    assert (longest > 18).all()


def test_full_sentences_are_packed_greedily():
    examples = full_rows(a_block([[5, 5, 5, 5]]), context(13), whole_sentences=True)
    assert tokens_of(examples) == [list(range(10)), list(range(10, 20))]
    assert examples.lengths.tolist() == [12, 12]


def test_rows_within_documents_hold_one_document_each():
    block = many(50)
    across, within = (
        full_rows(block, context(128), whole_sentences=True, across_documents=value) for value in (True, False)
    )
    assert np.diff(within.offsets).max() == 1
    assert np.diff(across.offsets).max() > 1
    assert len(within) > len(across)


# --- pairs -----------------------------------------------------------------------------------------------------------


@given(block=blocks, seed=st.integers(0, 9))
def test_random_segments_come_from_another_document_and_true_ones_follow(block, seed):
    examples = segment_pairs(block, context(48, seed=seed))
    (a_starts, b_starts), (a_ends, _) = examples.starts.reshape(-1, 2).T, examples.ends.reshape(-1, 2).T
    true = examples.labels["next_sentence_label"] == IS_NEXT
    assert np.array_equal(document_of(block, a_starts) == document_of(block, b_starts), true)
    assert (b_starts >= a_ends)[true].all()


@settings(max_examples=50)
@given(block=blocks, seed=st.integers(0, 9))
def test_every_sentence_is_in_exactly_one_first_or_true_next_segment(block, seed):
    """The law of the pairs, in rows so long that nothing is truncated: only documents of one sentence are left out."""
    examples = segment_pairs(block, context(100_000, seed=seed), short_probability=0.0)
    used: Counter[int] = Counter()
    for number, label in enumerate(examples.labels["next_sentence_label"]):
        first, second = examples.ranges(number)
        for start, end in [first, second] if label == IS_NEXT else [first]:
            used.update(range(start, end))
    several = np.diff(block.document_offsets)[document_of(block, block.tokens)] > 1
    assert set(used.values()) <= {1}
    assert examples.counts["no_other_document"] or sorted(used) == block.tokens[several].tolist()


@pytest.mark.parametrize(
    ("plan", "label"), [(segment_pairs, "next_sentence_label"), (sentence_order, "sentence_order_label")]
)
def test_labels_are_balanced_and_one_pair_in_ten_is_short_over_many(plan, label):
    """6,000 pairs: a share of .5 has a standard error of .007, one of .1 of .004; some of the short ones overshoot."""
    examples = plan(many(2_400), context(128))
    assert len(examples) > 6_000
    assert examples.labels[label].mean() == pytest.approx(0.5, abs=0.025)
    long_documents = a_block([np.random.default_rng(0).integers(5, 40, 8_000).tolist()] * 4)
    lengths = plan(long_documents, context(128)).lengths
    assert (lengths < 128).mean() == pytest.approx(0.09, abs=0.025)


def test_truncated_tokens_go_from_the_front_and_the_end_at_random():
    """Sentences of 30 and 100 tokens, with room for 61: the second loses 69 tokens, Binomial(69, ½) of them at its front."""
    examples = segment_pairs(a_block([[30, 100]] * 800), context(64), short_probability=0.0)
    true = examples.labels["next_sentence_label"] == IS_NEXT
    front = (examples.starts.reshape(-1, 2) % 130 - 30)[true, 1]
    assert front.mean() == pytest.approx(69 / 2, abs=0.8)
    assert front.std() == pytest.approx(np.sqrt(69) / 2, rel=0.15)


def test_what_the_pairs_leave_out_is_counted():
    block = a_block([[5], [5, 5], [5, 5], [5, 5, 5], [90, 90]], continuity=[True, True, True, False, True])
    for plan in (segment_pairs, sentence_order):
        examples = plan(block, context(64), short_probability=0.0)
        assert examples.counts["one_sentence"] == 1
        assert examples.counts["no_continuity"] == 1
        assert examples.counts["short_documents"] == 2
        assert examples.counts["truncated_tokens"] > 0
        assert set(document_of(block, examples.starts)) == {1, 2, 4}
    lone = segment_pairs(a_block([[90, 90]] * 2), context(64), short_probability=0.0)
    assert (lone.counts["lone_chunks"], lone.labels["next_sentence_label"].tolist()) == (4, [IS_RANDOM] * 4)


def test_a_lone_chunk_without_another_document_is_left_out_and_counted():
    examples = segment_pairs(a_block([[90, 90]]), context(64), short_probability=0.0)
    assert (len(examples), examples.counts["no_other_document"]) == (0, 2)


@pytest.mark.parametrize("plan", [segment_pairs, sentence_order])
def test_no_pair_is_made_of_a_block_without_pairs(plan):
    examples = plan(a_block([[4], [5]]), context())
    assert len(examples) == 0
    assert examples.lengths.dtype == np.int64


@given(block=blocks, seed=st.integers(0, 9), short=st.floats(0, 1))
def test_sentence_order_pairs_neighbouring_segments_and_uses_every_sentence_once(block, seed, short):
    examples = sentence_order(block, context(40, seed=seed), short_probability=short)
    ranges = examples.starts.reshape(-1, 2), examples.ends.reshape(-1, 2)
    swapped = examples.labels["sentence_order_label"] == SWAPPED
    assert set(examples.labels["sentence_order_label"].tolist()) <= {IN_ORDER, SWAPPED}
    assert np.array_equal(ranges[0][:, 0] > ranges[0][:, 1], swapped)
    used = flat(tokens_of(examples))
    several = np.diff(block.document_offsets)[document_of(block, block.tokens)] > 1
    assert len(used) == len(set(used)) == several.sum() - examples.counts["truncated_tokens"]


@given(first=st.integers(1, 200), second=st.integers(1, 200), excess=st.integers(1, 100))
def test_the_longer_segment_always_loses_the_next_token(first, second, excess):
    lost = [0, 0]
    left = [first, second]
    for _ in range(excess):
        longer = 0 if left[0] > left[1] else 1
        left[longer] -= 1
        lost[longer] += 1
    cut = truncation(first, second, excess)
    assert sum(cut) == excess
    assert max(abs(cut[0] - lost[0]), abs(cut[1] - lost[1])) <= 1


# --- shares of sources -----------------------------------------------------------------------------------------------

SOURCES = [StoreSource(name, True, tokens) for name, tokens in (("wiki", 600), ("news", 300), ("law", 100))]


def test_shares_give_each_source_its_part_of_an_epoch_as_long_as_the_corpus():
    repeats = repeats_for({"law": 0.4}, SOURCES)
    read = [repeat * source.tokens for repeat, source in zip(repeats, SOURCES, strict=True)]
    assert read == pytest.approx([400, 200, 400])
    assert repeats_for({}, SOURCES) == ()
    assert repeats_for({"wiki": 0.6, "news": 0.3, "law": 0.1}, SOURCES) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"wikki": 0.4}, "source_shares.wikki: no training text of that source; did you mean `wiki`"),
        ({"wiki": 0.7, "news": 0.3}, "add up to 1"),
        ({"wiki": 0.5, "news": 0.3, "law": 0.1}, "add up to 0.9"),
    ],
)
def test_shares_that_do_not_add_up_are_refused(shares, message):
    with pytest.raises(RecipeError, match=message):
        repeats_for(shares, SOURCES)
