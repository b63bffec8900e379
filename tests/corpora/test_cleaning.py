"""Cleaning: what goes, what stays, and laws that hold for any string."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.cleaning import clean, strip_html


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (unicodedata.normalize("NFD", "한국어를 배운다"), "한국어를 배운다"),
        ("가\u200b" + unicodedata.normalize("NFD", "각"), "가각"),
        ("ᄒ\u200bᅡ\u200bᆫ글", "한글"),
        ("ＡＢＣ ①", "ＡＢＣ ①"),
    ],
    ids=["decomposed", "zero-width", "torn syllable", "compatibility characters"],
)
def test_syllables_have_one_spelling(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "code",
    [0x00, 0x07, 0x1B, 0x7F, 0x80, 0xAD, 0x200B, 0x200E, 0x2060, 0xFEFF, 0xFFFD, 0xE000, 0xF8FF, 0xF0000, 0x10FFFD, 0xD800, 0xDFFF],
    ids=hex,
)  # fmt: skip
def test_invisible_characters_go(code: int) -> None:
    assert clean(f"{chr(code)}가{chr(code)}나{chr(code)}") == "가나"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<b>굵은</b> 글", "굵은 글"),
        ('<a href="https://example.com/?a=1&b=2">여기</a>를 누르세요', "여기를 누르세요"),
        ("첫째<br>둘째<br/>셋째<BR />넷째", "첫째\n둘째\n셋째\n넷째"),
        ("<p>하나</p><p>둘</p>", "하나\n\n둘"),
        ("앞<script type='x'>var 변수 = '한글' < 3;</script>뒤", "앞 뒤"),
        ("앞<STYLE>p {색: 빨강}</style >뒤", "앞 뒤"),
        ("앞<!-- 숨은\n말 -->뒤", "앞 뒤"),
        ('세종<ref name="실록">세종실록</ref>은', "세종세종실록은"),
    ],
)
def test_markup_goes_and_its_text_stays(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("R&amp;D와 A&B", "R&D와 A&B"),
        ("&lt;제목&gt; 소나기", "<제목> 소나기"),
        ("R&amp;amp;D", "R&D"),
        ("&amp;lt;b&amp;gt;굵게&amp;lt;/b&amp;gt;", "굵게"),
        ("하나&nbsp;&nbsp;둘&hellip;", "하나 둘…"),
        ("가&#x200b;나&#0;다&#xD800;라", "가나다라"),
        ("&#54620;&#xAE00;", "한글"),
    ],
)
def test_entities_are_resolved_however_often_they_were_escaped(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<제목>은 황순원의 소설이다.",
        "a < b > c",
        "1 < 2 이고 3 > 2",
        "ㅋㅋㅋ 웃겨요ㅠㅠ ㅇㅇ",
        "ᄒᆞᆫ글과 나랏말ᄊᆞ미",
        "👨\u200d👩\u200d👧 가족 ❤\ufe0f",
        "세종(世宗)은 훈민정음을 지었다.",
        "“따옴표”와 ‘작은따옴표’, 말줄임표…",
        "café, naïve, Đà Nẵng",
        "첫 줄\n둘째 줄\n\n새 문단",
    ],
)
def test_what_a_reader_would_miss_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("가\u3000나\xa0다\t라  마", "가 나 다 라 마"),
        ("가\r\n나\r다\u2028라\x85마\v바", "가\n나\n다\n라\n마\n바"),
        ("가 \n  나", "가\n나"),
        ("가\n\n\n \n나", "가\n\n나"),
        ("  \n가 나\n ", "가 나"),
    ],
)
def test_spaces_and_line_breaks_have_one_form(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("서울(, )은", "서울은"),
        ("서울 ()은", "서울은"),
        ("고구려(<b></b>; )는", "고구려는"),
        ("((, ))는", "는"),
        ("서울(, 漢城)은", "서울(, 漢城)은"),
    ],
)
def test_parentheses_that_cleaning_or_wiki_templates_emptied_go(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_only_tags_of_html_are_tags() -> None:
    assert strip_html("<홍길동> <x> <br> <bravo>") == "<홍길동> <x> \n <bravo>"


ANY_TEXT = st.text(st.characters(exclude_categories=()))
MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "&", "amp;", "lt;", "gt;", "nbsp;", "#x200b;", "#xD800;", "b", "br", "script", "</", "/>", "<!--", "-->", "(", ")", ", ", " ", "\n", "\r", "한", "ᄒ", "ᅡ", "ᆫ", "\u200b", "\u3000", "\x00"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(st.one_of(ANY_TEXT, MARKUP))
def test_any_string_can_be_cleaned_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == unicodedata.normalize("NFC", cleaned)


def _jamo(text: str) -> list[str]:
    return [character for character in unicodedata.normalize("NFD", text) if "\u1100" <= character <= "\u11ff"]


KOREAN = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.sampled_from(" \n\t.,?!()<>\u200b\u3000한ㅋ1a"),
    )
)


@given(KOREAN.filter(lambda text: "<" not in text))
def test_without_markup_no_syllable_is_lost(text: str) -> None:
    assert _jamo(clean(text)) == _jamo(text)
