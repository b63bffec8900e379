"""Sequences of morphemes that contain most cuts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokenizer.prune import Word
from tokenizer.sequences import frequent_sequences


def test_a_sequence_counts_every_cut_inside_it() -> None:
    words = [Word("하였다", (1, 2), 3), Word("있다", (1,), 5)]
    assert frequent_sequences(words, 9) == ["하였다", "있다", "였다", "하였"]


def test_no_sequence_is_longer_than_four_morphemes() -> None:
    assert max(map(len, frequent_sequences([Word("가나다라마", (1, 2, 3, 4), 1)], 99))) == 4


@st.composite
def _words(draw: st.DrawFn) -> Word:
    text = draw(st.text(st.sampled_from("가나다"), min_size=1, max_size=7))
    cuts = draw(st.frozensets(st.integers(1, len(text) - 1), max_size=4)) if len(text) > 1 else frozenset()
    return Word(text, tuple(sorted(cuts)), draw(st.integers(1, 5)))


@given(st.lists(_words(), max_size=6), st.integers(0, 5))
def test_sequences_hold_a_boundary_and_do_not_depend_on_the_order_of_words(words: list[Word], size: int) -> None:
    sequences = frequent_sequences(words, size)
    assert sequences == frequent_sequences(words[::-1], size)
    assert len(sequences) == len(set(sequences)) <= size
    spans = {
        word.text[start:end]
        for word in words
        for start in {0, *word.cuts}
        for end in {*word.cuts, len(word.text)}
        if any(start < cut < end for cut in word.cuts)
    }
    assert set(sequences) <= spans
