"""Filters: each gives its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.config import FilterConfig
from corpora.filters import hangul_share, keep
from kobert_pipeline.records import Document, Drop

CONFIG = FilterConfig(min_characters=10, min_hangul_share=0.5)


def _document(text: str) -> Document:
    return Document("1", "시험", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("충분히 긴 우리말 글이다.", None),
        ("짧은 글", Drop("too_short")),
        ("This text is long enough.", Drop("not_korean")),
        ("short", Drop("too_short")),
        ("1234567890 --- 1234", Drop("not_korean")),
        ("", Drop("too_short")),
    ],
)
def test_a_document_is_kept_or_dropped_with_its_first_reason(text: str, expected: Drop | None) -> None:
    assert keep(_document(text), CONFIG) == expected


def test_the_bounds_themselves_are_kept() -> None:
    assert keep(_document("가나다라마abcde"), CONFIG) is None
    assert keep(_document("가나다라마abcdef"), CONFIG) == Drop("not_korean")
    assert keep(_document("가나다라마바사아자"), CONFIG) == Drop("too_short")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("한글", 1.0),
        ("ㅋㅋㅋㅠㅠ", 1.0),
        ("ᄒᆞᆫ글", 1.0),
        ("hangul", 0.0),
        ("한글ab", 0.5),
        ("한글 漢字", 0.5),
        ("한글 2026년 10월!!! 😂", 1.0),
        ("", 0.0),
        ("123 ...", 0.0),
    ],
)
def test_the_share_of_hangul_counts_letters_only(text: str, share: float) -> None:
    assert hangul_share(text) == share


@given(st.text(st.one_of(st.characters(), st.characters(min_codepoint=0x3130, max_codepoint=0x318F))))
def test_the_share_of_hangul_lies_between_zero_and_one(text: str) -> None:
    assert 0 <= hangul_share(text) <= 1
