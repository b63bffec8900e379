"""Pruning removes pieces by the effect that they have on greedy matching."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokenizer.prune import Word, _Vocabulary, knock_out, losses


def _cost(pieces: list[str], words: list[Word], cut_price: float = 0) -> float:
    """The cost of cuts, weighted by count: 1 for each that is extra or missing, and the price of each that is made."""
    vocabulary = _Vocabulary(pieces)
    made = [{*vocabulary.ends(word.text)[:-1]} for word in words]
    return sum(w.times * (len(cuts ^ set(w.cuts)) + cut_price * len(cuts)) for w, cuts in zip(words, made, strict=True))


def test_a_piece_that_matches_in_the_wrong_place_is_removed_first() -> None:
    words = [Word("나는", (1,), 9), Word("나는새", (2,), 2), Word("하늘", (), 1)]
    pieces = ["나", "는", "새", "하", "늘", "하늘", "나는"]
    assert knock_out(pieces, words, 6) == ["나", "는", "새", "하", "늘", "하늘"]


def test_a_piece_that_is_only_a_step_to_a_longer_one_is_removed() -> None:
    words = [Word("도서관", (), 5), Word("책상", (), 1)]
    assert knock_out(["도", "서", "관", "책", "상", "도서", "도서관", "책상"], words, 7) == [
        "도", "서", "관", "책", "상", "도서관", "책상",
    ]  # fmt: skip


def test_at_a_price_above_one_crossing_a_boundary_pays() -> None:
    """`있다` is two morphemes: one piece for both misses one cut, and saves one."""
    words = [Word("있다", (1,), 9), Word("하늘", (), 1)]
    pieces = ["있", "다", "하", "늘", "하늘", "있다"]
    assert knock_out(pieces, words, 5, cut_price=0.9) == ["있", "다", "하", "늘", "하늘"]
    assert knock_out(pieces, words, 5, cut_price=1.5) == ["있", "다", "하", "늘", "있다"]


def test_single_characters_and_the_order_stay() -> None:
    words = [Word("가나다", (), 1)]
    assert knock_out(["다", "가나", "가", "나", "가나다"], words, 1) == ["다", "가", "나"]
    assert knock_out(["가", "나", "가나"], words, 3) == ["가", "나", "가나"]


LETTERS = st.sampled_from("가나다라")
PIECES = st.lists(st.text(LETTERS, min_size=2, max_size=4), unique=True, max_size=12).map(
    lambda more: [*"가나다라", *more]
)


@st.composite
def _words(draw: st.DrawFn) -> Word:
    text = draw(st.text(LETTERS, min_size=1, max_size=8))
    cuts = draw(st.frozensets(st.integers(1, max(1, len(text) - 1)), max_size=4))
    return Word(text, tuple(sorted(cuts)) if len(text) > 1 else (), draw(st.integers(1, 5)))


@given(PIECES, st.lists(_words(), max_size=6), st.sampled_from([0, 0.5, 1, 1.25]))
def test_a_loss_is_what_greedy_matching_without_the_piece_costs(
    pieces: list[str], words: list[Word], price: float
) -> None:
    vocabulary = _Vocabulary(pieces)
    loss = losses(vocabulary, words, [vocabulary.ends(word.text) for word in words], price)
    for piece in pieces[4:]:
        others = [other for other in pieces if other != piece]
        uses = [sum(word.text[s:e] == piece for s, e in _spans(vocabulary, word.text)) for word in words]
        if max(uses, default=0) <= 1:  # a word that holds a piece twice is counted part by part
            assert loss[piece] == _cost(others, words, price) - _cost(pieces, words, price)


def _spans(vocabulary: _Vocabulary, text: str) -> list[tuple[int, int]]:
    ends = vocabulary.ends(text)
    return list(zip([0, *ends[:-1]], ends, strict=True))


@given(PIECES, st.lists(_words(), max_size=6), st.integers(4, 16))
def test_the_size_is_kept_and_the_result_is_the_same_every_time(
    pieces: list[str], words: list[Word], size: int
) -> None:
    kept = knock_out(pieces, words, size)
    assert len(kept) == min(len(pieces), size)
    assert set("가나다라") <= set(kept)
    assert kept == [piece for piece in pieces if piece in set(kept)] == knock_out(pieces, words, size)
