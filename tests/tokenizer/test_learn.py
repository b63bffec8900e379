"""Learning the vocabulary: morphemes become pieces, and the result is deterministic."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.mecab import separated
from tokenizer.alphabet import ASCII, JAMO, alphabet, covered, ks_x_1001
from tokenizer.config import TokenizerConfig
from tokenizer.prune import known_words
from tokenizer.train import ROLES, learn_vocabulary
from tokenizer.words import characters_of, count_units, count_words, piece_of

SCHOOL = ["학교에서 학교가 학교를 배운다.", "집에서 집이 집을 그린다.", "도서관에서 도서관이 책을 빌린다."]


def _config(**settings: Any) -> TokenizerConfig:
    return TokenizerConfig(
        **{"vocab_size": 512, "ks_x_1001": False, "character_coverage": 1.0, "unused_tokens": 0} | settings
    )


def _learn(texts: list[str], special_tokens: tuple[str, ...] = (), **settings: Any) -> list[str]:
    """Learns as many pieces as the text supports; the other rows up to 512 are unused ones."""
    counts = count_units(map(separated, texts))
    words = known_words(count_words(map(separated, texts))) if "cut_price" in settings else ()
    with pytest.raises(InputError) as refused:
        learn_vocabulary(counts, _config(**settings), special_tokens, (), words)
    settings["unused_tokens"] = 512 - _supported(refused.value)
    return learn_vocabulary(counts, _config(**settings), special_tokens, (), words)


def _rows(texts: list[str], **settings: Any) -> list[str]:
    return [piece_of(row) for row in alphabet(characters_of(count_units(texts)), _config(**settings))]


def _supported(error: InputError) -> int:
    found = re.search(r"more than this text supports: ([\d,]+) at most", str(error))
    assert found, str(error)
    return int(found[1].replace(",", ""))


# --- the alphabet ----------------------------------------------------------------------------------------------------


def test_ks_x_1001_has_2350_syllables() -> None:
    syllables = ks_x_1001()
    assert len(syllables) == len(set(syllables)) == 2_350
    assert (syllables[0], syllables[-1]) == ("가", "힝")
    assert not {"뷁", "똠", "햏"} & set(syllables)


def test_enclosed_letters_come_with_ks_x_1001() -> None:
    rows = set(_rows(["가"], ks_x_1001=True))
    assert {*"㈀㈎㈜㉠㉭㉮㉻"} <= rows
    assert "㉮" not in _rows(["가"])


def test_signs_of_both_widths_come_with_ks_x_1001() -> None:
    assert {*"₩¥£「」。、·"} <= set(_rows(["가"], ks_x_1001=True))


def test_a_rare_syllable_outside_ks_x_1001_may_be_left_out() -> None:
    rows = _rows(["가 뷁뷁 햏"], ks_x_1001=True, character_coverage=0.1, syllable_min_frequency=2)
    assert {"뷁", "햏", "힝"} & set(rows) == {"뷁", "힝"}


def test_the_alphabet_holds_ascii_jamo_and_every_syllable_that_occurs() -> None:
    rows = _rows(["뷁 똠방각하", "Ω"])
    assert {*ASCII, *JAMO, *"뷁똠방각하", "##뷁", "##a", "##ㅋ", "Ω"} <= set(rows)
    assert "쉽" not in rows
    assert len(rows) == len(set(rows))


def test_a_syllable_outside_ks_x_1001_that_is_too_rare_has_the_form_that_occurs() -> None:
    rows = set(_rows(["가뷁"], ks_x_1001=True, syllable_min_frequency=2))
    assert "##뷁" in rows
    assert "뷁" not in rows


def test_letters_of_other_scripts_have_the_forms_that_occur_and_all_others_have_both() -> None:
    rows = set(_rows(["가나 漢字 Ω, é· βγ ①②😂→"]))
    both = "가나aZ9ㅋ①②"
    assert {*both, *(f"##{one}" for one in both), *"漢字Ωéβ😂→", "##γ"} <= rows
    assert not {"##漢", "##Ω", "##é", "##β", "γ", "##,", "##·", "##😂", "##→"} & rows


def test_ks_x_1001_is_complete_when_asked_for() -> None:
    rows = set(_rows(["가"], ks_x_1001=True))
    assert {*ks_x_1001(), *(f"##{syllable}" for syllable in ks_x_1001())} <= rows


def test_ks_x_1001_keeps_every_syllable_that_occurs_however_rare() -> None:
    rows = set(_rows(["가" * 1_000, "뷁 漢"], ks_x_1001=True, character_coverage=0.5))
    assert {"뷁", "##뷁"} <= rows
    assert "漢" not in rows


def test_other_characters_get_rows_by_frequency_up_to_the_coverage() -> None:
    texts = ["一" * 50, "二" * 30, "三" * 15, "四" * 4, "五"]
    rows = [set(_rows(texts, character_coverage=share)) for share in (0.5, 0.51, 0.95, 1.0)]
    assert [kept & set("一二三四五") for kept in rows] == [set("一"), set("一二"), set("一二三"), set("一二三四五")]


@given(st.dictionaries(st.characters(), st.integers(1, 100), min_size=1), st.floats(0.01, 1))
def test_the_fewest_characters_that_make_up_the_share_are_covered(frequency: dict[str, int], share: float) -> None:
    kept, wanted = covered(Counter(frequency), share), share * sum(frequency.values())
    assert sum(frequency[character] for character in kept) >= wanted
    assert sum(frequency[character] for character in kept[:-1]) < wanted
    left_out = {count for character, count in frequency.items() if character not in kept}
    assert min(frequency[character] for character in kept) >= max(left_out, default=0)


# --- the vocabulary --------------------------------------------------------------------------------------------------


def test_word_internal_morphemes_become_pieces() -> None:
    pieces = _learn(SCHOOL * 10)
    assert {"학교", "집", "도서관", "##에서", "##이", "##를", "##을"} <= set(pieces)
    assert "학교에서" not in pieces
    assert "에서" not in pieces
    assert "##학교" not in pieces


def test_no_piece_crosses_a_morpheme_boundary() -> None:
    """Without boundaries such a piece is learned: they are what prevents it."""
    text = ["하늘에서 하늘에서 하늘에서"] * 20
    assert "하늘에서" not in _learn(text)
    counts = count_units(text)
    with pytest.raises(InputError) as refused:
        learn_vocabulary(counts, _config(), ())
    unseparated = learn_vocabulary(counts, _config(unused_tokens=512 - _supported(refused.value)), ())
    assert "하늘에서" in unseparated


def test_the_size_is_exact_and_rows_have_their_order(trained: Any) -> None:
    pieces, config = trained.pieces, trained.config
    assert len(pieces) == len(set(pieces)) == config.vocab_size
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] == list(ROLES.values())
    assert pieces[5] == "[DOC]"
    assert pieces[-128:] == [f"[unused{number}]" for number in range(128)]
    assert not any(piece.startswith("[") and len(piece) > 1 for piece in pieces[6:-128])


@pytest.mark.parametrize("vocab_size", [2_730, 2_816, 3_999])
def test_any_size_is_exact(trained: Any, vocab_size: int) -> None:
    config = trained.config.model_copy(update={"vocab_size": vocab_size})
    pieces = learn_vocabulary(trained.counts, config, ())
    assert len(pieces) == len(set(pieces)) == vocab_size


def test_a_larger_vocabulary_only_adds_merges(trained: Any) -> None:
    smaller = learn_vocabulary(trained.counts, trained.config.model_copy(update={"vocab_size": 3_000}), ("[DOC]",))
    assert trained.pieces[: 3_000 - 128] == smaller[:-128]


def test_learning_is_deterministic_and_the_order_of_counting_does_not_matter(trained: Any) -> None:
    units = list(trained.counts.items())
    random.Random(1).shuffle(units)
    shuffled = Counter(dict(units))
    assert learn_vocabulary(shuffled, trained.config, trained.special_tokens) == trained.pieces
    halves = count_units(map(separated, trained.sentences[200:])) + count_units(map(separated, trained.sentences[:200]))
    assert learn_vocabulary(halves, trained.config, trained.special_tokens) == trained.pieces


def test_a_unit_counted_often_counts_like_repeated_text() -> None:
    """A line holds 1,000 words: counts near and above 1,000 must not be lost."""
    pieces = _learn(["하늘 " * 2_500, "바다 " * 999, "나무 " * 1_000, "바람"], min_frequency=999)
    assert {"하늘", "바다", "나무"} <= set(pieces)
    assert "바람" not in pieces
    assert "바다" not in _learn(["하늘 " * 2_500, "바다 " * 999, "나무 " * 1_000, "바람"], min_frequency=1_000)


def test_rare_pairs_are_not_merged() -> None:
    assert "하늘" not in _learn(["하늘", "바다 바다"], min_frequency=2)
    assert "하늘" in _learn(["하늘", "바다 바다"], min_frequency=1)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_size_beyond_the_text_names_what_the_text_supports(trained: Any) -> None:
    config = trained.config.model_copy(update={"vocab_size": 50_000})
    with pytest.raises(InputError, match=r"tokenizer\.vocab_size 50,000 is more than this text supports") as refused:
        learn_vocabulary(trained.counts, config, ())
    supported = _supported(refused.value)
    assert len(learn_vocabulary(trained.counts, config.model_copy(update={"vocab_size": supported}), ())) == supported
    with pytest.raises(InputError, match=f"supports: {supported:,} at most"):
        learn_vocabulary(trained.counts, config.model_copy(update={"vocab_size": supported + 1}), ())


def test_a_size_below_the_alphabet_names_what_the_alphabet_takes(trained: Any) -> None:
    config = trained.config.model_copy(update={"vocab_size": 512})
    with pytest.raises(
        InputError, match=r"vocab_size 512 is too small: .* take [\d,]+ rows.*`character_coverage`.*`ks_x_1001: false`"
    ) as refused:
        learn_vocabulary(trained.counts, config, ())
    found = re.search(r"take ([\d,]+) rows", str(refused.value))
    assert found
    smallest = int(found[1].replace(",", ""))
    assert len(learn_vocabulary(trained.counts, config.model_copy(update={"vocab_size": smallest}), ())) == smallest


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(InputError, match="no words"):
        learn_vocabulary(count_units(["", "  "]), _config(), ())


def test_special_tokens_that_collide_are_refused(trained: Any) -> None:
    with pytest.raises(InputError, match=r"collide, named twice: \[DOC\]$"):
        learn_vocabulary(trained.counts, trained.config, ("[DOC]", "[DOC]"))


@pytest.mark.parametrize("token", ["[unused0]", "가", "##다", "!"])
def test_a_special_token_that_equals_another_row_is_refused(trained: Any, token: str) -> None:
    with pytest.raises(InputError, match="collide"):
        learn_vocabulary(trained.counts, trained.config, (token,))


def test_a_role_named_among_the_special_tokens_does_not_get_a_second_row(trained: Any) -> None:
    pieces = learn_vocabulary(trained.counts, trained.config, ("[MASK]", "[DOC]", "[CLS]"))
    assert pieces == trained.pieces


# --- choosing what stays ---------------------------------------------------------------------------------------------


def test_a_high_price_of_cuts_keeps_frequent_words_of_several_morphemes_whole() -> None:
    texts = ["집에 있다.", "책이 있다.", "집을 그린다."]
    counts, words = count_units(map(separated, texts)), known_words(count_words(map(separated, texts)))
    size = len([piece for piece in _learn(texts) if not piece.startswith("[unused")])
    vocabularies = [
        learn_vocabulary(counts, _config(unused_tokens=512 - size - 1, surplus=2, cut_price=price), (), (), words)
        for price in (0, 2)
    ]
    assert ["있다" in pieces for pieces in vocabularies] == [False, True]
    assert [len(pieces) for pieces in vocabularies] == [512, 512]


def test_rows_come_from_the_characters_given() -> None:
    """If sources are weighted, the counts of units do not show how often a character occurs."""
    counts = count_units(["가 漢"] * 9)
    assert "漢" in _pieces(counts)
    assert "漢" not in _pieces(counts, characters_of(count_units(["가"])))


def _pieces(counts: Counter[str], characters: Counter[str] | None = None) -> list[str]:
    with pytest.raises(InputError) as refused:
        learn_vocabulary(counts, _config(), (), characters=characters)
    config = _config(unused_tokens=512 - _supported(refused.value))
    return learn_vocabulary(counts, config, (), characters=characters)
