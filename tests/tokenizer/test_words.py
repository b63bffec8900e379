"""Words are those of the tokenizer's own normaliser and pre-tokenizer."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.cleaning import clean
from corpora.steps.characters import clean_characters
from kobert_pipeline.morphology.mecab import SEPARATOR, separated
from tokenizer.normaliser import normaliser, word_splitter
from tokenizer.words import SHIFT, Digits, count_units, is_isolated, piece_of, shifted, words

NORMALISER, SPLITTER = normaliser(), word_splitter()


def cut(text: str) -> list[str]:
    return [word for word, _ in SPLITTER.pre_tokenize_str(NORMALISER.normalize_str(text))]


MIXED = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
        st.characters(min_codepoint=0xA0, max_codepoint=0x17F),
        st.sampled_from("ㅋㅠᄒᆞᆫ“”‘’「」『』《》〈〉【】·…、。，！？～―－％₩㎏①½→★♥😂👍🏻🇰豈𠀀\u3000\u2009\n\t"),
    )
).map(clean)


@given(MIXED)
def test_words_are_those_of_the_tokenizer(text: str) -> None:
    assert list(words(text)) == cut(text)


BLOCKS = [(0x21, 0x24F), (0x1100, 0x11FF), (0x2010, 0x20BF), (0x2100, 0x27BF), (0x3000, 0x33FF), (0x4DB0, 0x4E10), (0x9FF0, 0x9FFF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB), (0xF900, 0xFAD9), (0xFE30, 0xFE6B), (0xFF01, 0xFFEE), (0x1F000, 0x1FAFF), (0x20000, 0x20010)]  # fmt: skip


@pytest.mark.parametrize(("first", "last"), BLOCKS, ids=[f"U+{first:04X}" for first, _ in BLOCKS])
def test_every_character_of_a_block_that_korean_text_uses_is_cut_as_the_tokenizer_cuts_it(
    first: int, last: int
) -> None:
    texts = [
        f"가{chr(code)}나"
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) not in ("Cn", "Cc", "Cf")
    ]
    composed = [text for text in texts if clean_characters(text) == text]
    assert len(composed) > 5 or (first, last) == (0xFF01, 0xFFEE)
    assert [text for text in composed if list(words(text)) != cut(text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("나는 학교에 갔다.", ["나는", "학교에", "갔다", "."]),
        ("세종(世宗)은", ["세종", "(", "世", "宗", ")", "은"]),
        ("ㅋㅋ😂👍 3.5%", ["ㅋㅋ", "😂", "👍", "3", ".", "5", "%"]),
        ("C++을 #배운다", ["C", "+", "+", "을", "#", "배운다"]),
        ("20℃ ㈜가나 ♥♥", ["20", "℃", "㈜", "가나", "♥", "♥"]),
        ("  ", []),
        ("", []),
    ],
)
def test_punctuation_symbols_and_chinese_characters_are_words_of_their_own(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected == cut(text)


@given(MIXED, st.sampled_from(["pairs", "single"]))
def test_numbers_are_cut_as_the_tokenizer_cuts_them(text: str, digits: Digits) -> None:
    found = word_splitter(digits).pre_tokenize_str(NORMALISER.normalize_str(text))
    assert list(words(text, digits)) == [word for word, _ in found]


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("pairs", ["20", "26", "년", "1", "월"]), ("single", ["2", "0", "2", "6", "년", "1", "월"])],
)
def test_digits_are_split_on_request_whatever_the_morphemes_are(digits: Digits, expected: list[str]) -> None:
    assert list(words("|202|6|년| 1|월|".replace("|", SEPARATOR), digits)) == expected


def test_separators_stay_inside_words_and_nowhere_else() -> None:
    text = "|학교|에서|(|은|)| 밥|을| |".replace("|", SEPARATOR)
    assert [word.replace(SEPARATOR, "|") for word in words(text)] == ["학교|에서", "(", "은", ")", "밥|을"]


@given(MIXED.map(lambda text: text.replace("\n", " ")))
def test_separating_morphemes_changes_no_word(text: str) -> None:
    assert [word.replace(SEPARATOR, "") for word in words(separated(text))] == list(words(text))


# --- the shift -------------------------------------------------------------------------------------------------------

SHIFTABLE = st.text(st.characters(max_codepoint=0x1FFFF), min_size=1)


@given(SHIFTABLE)
def test_a_shifted_morpheme_turns_into_its_piece(morpheme: str) -> None:
    assert piece_of(shifted(morpheme, initial=True)) == morpheme
    assert piece_of(shifted(morpheme, initial=False)) == f"##{morpheme}"
    assert len(shifted(morpheme, initial=True)) == len(morpheme)


@given(SHIFTABLE, SHIFTABLE)
def test_different_morphemes_stay_different_when_shifted(one: str, other: str) -> None:
    forms = {shifted(morpheme, initial=initial) for morpheme in (one, other) for initial in (True, False)}
    assert len(forms) == 2 * len({one, other})


def test_only_characters_that_do_not_begin_a_word_are_shifted() -> None:
    assert shifted("가나다", initial=True) == "가" + chr(ord("나") + SHIFT) + chr(ord("다") + SHIFT)
    assert all(ord(character) >= SHIFT for character in shifted("가나다", initial=False))


# --- counting --------------------------------------------------------------------------------------------------------


def _counted(*texts: str) -> dict[str, int]:
    """Shows pieces instead of shifted text, which is not readable."""
    return {
        piece_of(unit): count for unit, count in count_units(text.replace("|", SEPARATOR) for text in texts).items()
    }


def test_morphemes_are_counted_by_their_place_in_the_word() -> None:
    assert _counted("|학교|에서| 밥|을|", "|에서| 학교|에서|.|") == {
        "학교": 2, "##에서": 2, "밥": 1, "##을": 1, "에서": 1, ".": 1,
    }  # fmt: skip


def test_what_follows_punctuation_begins_a_word() -> None:
    assert _counted("|학교|(|에서|)|은|") == {"학교": 1, "(": 1, "에서": 1, ")": 1, "은": 1}


def test_without_separators_whole_words_are_counted() -> None:
    assert _counted("학교에서 밥을", "학교에서") == {"학교에서": 2, "밥을": 1}


@given(st.lists(MIXED, max_size=5))
def test_the_order_of_texts_does_not_matter_to_counts(texts: list[str]) -> None:
    parts: Counter[str] = Counter()
    for text in reversed(texts):
        parts.update(count_units([text]))
    assert parts == count_units(texts)


def test_emoji_are_counted() -> None:
    assert _counted("|좋|아요|😂| 👍|") == {"좋": 1, "##아요": 1, "😂": 1, "👍": 1}


@pytest.mark.parametrize("text", ["가\U000e0041나", "\U000e0041나", "가𠀀나", "\U0010fffd가"])
def test_characters_that_cannot_be_shifted_are_allowed(text: str) -> None:
    count_units([text, text.replace("가", f"가{SEPARATOR}")])


@pytest.mark.parametrize("character", ["!", "#", "·", "。", "“", "漢", "豈", "㐀", "😂", "₩", "㉮"])
def test_isolated_characters_are_words_by_themselves(character: str) -> None:
    assert is_isolated(character)
    assert cut(f"가{character}나") == ["가", character, "나"]


@pytest.mark.parametrize("character", ["가", "ㅋ", "a", "1", "①"])
def test_other_characters_are_not(character: str) -> None:
    assert not is_isolated(character)
    assert cut(f"가{character}나") == [f"가{character}나"]
