"""Personal data in all the writings that people use, and what looks like it: a table by hand, and laws over both."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpora.personal_data import PLACEHOLDERS, mask
from corpora.personal_data.checksums import card_checksum, corporate_checksum

FIXTURE = Path(__file__).parents[1] / "fixtures" / "personal_data_writings.tsv"
ROWS = [line.replace(r"\n", "\n").split("\t") for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
"""Rows of (kind, text). `{…}` marks what is masked; the kind `none` marks a text of which nothing is."""


def test_the_table_has_400_writings_of_every_kind_and_300_near_misses() -> None:
    hits = [kind for kind, _ in ROWS if kind != "none"]
    assert (len(hits) >= 400, len(ROWS) - len(hits) >= 300) == (True, True)
    assert set(hits) == set(PLACEHOLDERS)
    assert len({text for _, text in ROWS}) == len(ROWS)


@pytest.mark.parametrize("kind", [*PLACEHOLDERS, "none"])
def test_every_writing_is_masked_whole_and_nothing_around_it(kind: str) -> None:
    wrong = []
    for text in (text for row_kind, text in ROWS if row_kind == kind):
        plain = text.replace("{", "").replace("}", "")
        pieces = [piece.partition("}") for piece in text.split("{")]
        expected = pieces[0][0] + "".join(PLACEHOLDERS[kind] + rest for _, _, rest in pieces[1:])
        if (found := mask(plain)[0]) != expected:
            wrong.append(f"{plain!r} -> {found!r}, not {expected!r}")
    assert not wrong, "\n".join(wrong)


# --- laws ------------------------------------------------------------------------------------------------------------

DIGITS = "0123456789"
JOINS = st.sampled_from(["-", " ", ".", "/", "·", "_", "~", ")", " - ", "- ", " -", "–", "—", ". ", "-\n", "\n-"])
BEFORE = st.sampled_from(
    ["", "어제 ", "이제 ", "모델 ", "게시판 ", "No. ", "(", "홍길동", "=", "tel:", "HP", "→", "ㅋㅋ", "1) "]
)
AFTER = st.sampled_from(["", "으로 전화", "입니다.", ")", "KT", "_홍길동", "/", ", ", "ㅋㅋ", "번", "\n"])


def digits(size: int, first: str = DIGITS) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(first), st.text(alphabet=DIGITS, min_size=size - 1, max_size=size - 1)).map(
        "".join
    )


def wide(text: str) -> str:
    """Digits and hyphens of full width."""
    return text.translate({ord(sign): ord(sign) + 0xFEE0 for sign in DIGITS + "-"})


@given(BEFORE, JOINS, digits(4), JOINS, digits(4), AFTER, st.booleans())
def test_a_mobile_number_is_masked_in_every_writing_and_neighbourhood(
    before: str, first: str, middle: str, second: str, last: str, after: str, full_width: bool
) -> None:
    assume((before[-1:], first) != ("(", ")"))  # (010) is an area code in brackets
    number = f"010{first}{middle}{second}{last}"
    assert mask(before + (wide(number) if full_width else number) + after)[0] == f"{before}[전화번호]{after}"


@given(BEFORE, st.dates(date(1930, 1, 1), date(1999, 12, 31)), st.sampled_from("-/·"), digits(7, "1256"), AFTER)
def test_a_birth_a_hyphen_and_seven_digits_are_a_number_of_a_person(
    before: str, birth: date, join: str, rest: str, after: str
) -> None:
    """Whatever the last digits are: those of numbers given since 2020 are random. Corporate numbers have that shape too."""
    number = f"{birth:%y%m%d}{join}{rest}"
    assume(not corporate_checksum(number.replace(join, "")))
    placeholder = PLACEHOLDERS["resident" if rest[0] in "12" else "foreigner"]
    assert mask(before + number + after)[0] == before + placeholder + after


@given(
    st.dates(date(1930, 1, 1), date(1999, 12, 31)),
    st.sampled_from("1256"),
    st.sampled_from("*●○■□☆★#•xX×ㅇ"),
    st.integers(3, 6),
)
def test_a_hidden_number_is_masked_because_it_shows_a_birth(birth: date, first: str, sign: str, signs: int) -> None:
    placeholder = PLACEHOLDERS["resident" if first in "12" else "foreigner"]
    assert mask(f"주소록: {birth:%y%m%d}-{first}{sign * signs} 홍길동")[0] == f"주소록: {placeholder} 홍길동"


@given(BEFORE, JOINS.filter(lambda join: join not in ")"), digits(15, "4"), AFTER)
def test_sixteen_digits_that_pass_the_luhn_formula_are_a_card(before: str, join: str, number: str, after: str) -> None:
    number += next(digit for digit in DIGITS if card_checksum(number + digit))
    written = join.join(number[place : place + 4] for place in range(0, 16, 4))
    assert mask(before + written + after)[0] == f"{before}[카드번호]{after}"


_YEARS, _SMALL = st.integers(1000, 2099), st.integers(1, 29)
NEAR_MISSES = st.one_of(
    st.dates().map(lambda day: f"{day:%Y-%m-%d}"),
    st.dates().map(lambda day: f"{day:%Y.%m.%d.}"),
    st.datetimes().map(lambda time: f"{time:%Y-%m-%d %H:%M:%S}"),
    st.tuples(_YEARS, st.integers(1, 500)).map(lambda years: f"{years[0]}-{min(years[0] + years[1], 2100)}"),
    st.tuples(_YEARS, _YEARS).map(lambda years: f"{years[0]}-{years[1]}년"),
    st.integers(0, 10**14).map(lambda amount: f"{amount:,}원"),
    st.integers(0, 10**14).map(lambda amount: f"{amount}원"),
    st.tuples(_YEARS, _YEARS).map(lambda amounts: f"{amounts[0]}-{amounts[1]}만원"),
    st.tuples(_YEARS, _YEARS).map(lambda place: f"{place[0]}-{place[1]}번지"),
    st.lists(_SMALL, min_size=2, max_size=4).map(lambda parts: "버전 " + ".".join(map(str, parts))),
    st.lists(st.integers(0, 255), min_size=4, max_size=4).map(lambda parts: "버전 " + ".".join(map(str, parts))),
    st.tuples(_YEARS, st.integers(1, 999999)).map(lambda case: f"{case[0]}다{case[1]}"),
    st.tuples(_SMALL, _SMALL, _SMALL).map(lambda law: f"제{law[0]}조제{law[1]}항제{law[2]}호"),
    st.integers(1, 99999).map(lambda law: f"법률 제{law}호"),
    st.floats(0, 100, allow_nan=False).map(lambda number: f"{number:.10f}"),
    st.lists(st.integers(0, 99), min_size=1, max_size=20).map(lambda row: ", ".join(map(str, row))),
)


@given(
    st.sampled_from(["", "어제 ", "(", "값은 ", "전체 "]), NEAR_MISSES, st.sampled_from(["", "에", " 이후", ")", "\n"])
)
def test_dates_years_amounts_versions_and_laws_stay(before: str, number: str, after: str) -> None:
    assert mask(before + number + after)[0] == before + number + after
