"""Personal data: a hand-written list with figures, literal examples, and laws that hold for any string."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.personal_data import PLACEHOLDERS, mask
from corpora.personal_data.checksums import (
    birth_date,
    business_checksum,
    card_checksum,
    foreigner_checksum,
    resident_checksum,
)
from corpora.personal_data.plain_form import plain_form
from corpora.personal_data.rules import RULES

FIXTURE = Path(__file__).parents[1] / "fixtures" / "personal_data.tsv"


@dataclass(frozen=True)
class Line:
    """One sentence of the list: `kind` is `none` for a near miss."""

    kind: str
    sentence: str
    expected: str

    @property
    def right(self) -> bool:
        return mask(self.sentence)[0] == self.expected

    @property
    def touched(self) -> bool:
        return mask(self.sentence)[0] != self.sentence

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence} -> {mask(self.sentence)[0]}"


LINES = [Line(*line.split("\t")) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
HITS = [line for line in LINES if line.kind != "none"]


def test_the_list_has_200_hits_and_200_near_misses() -> None:
    assert len(HITS) == 200
    assert len(LINES) == 400
    assert len({line.sentence for line in LINES}) == 400
    assert {line.kind for line in HITS} == set(PLACEHOLDERS)
    assert all(line.sentence == line.expected for line in LINES if line.kind == "none")


def test_precision_and_recall_over_the_list() -> None:
    """A hit counts when the whole sentence comes out as written; a masked sentence that differs counts against both."""
    right = sum(line.right for line in HITS)
    precision, recall = right / sum(line.touched for line in LINES), right / len(HITS)
    failing = "\n".join(str(line) for line in LINES if not line.right)
    assert (precision >= 0.98, recall >= 0.95) == (True, True), f"{precision=:.3f} {recall=:.3f}\n{failing}"


@pytest.mark.parametrize("kind", PLACEHOLDERS)
def test_every_kind_is_found_nine_times_in_ten(kind: str) -> None:
    lines = [line for line in HITS if line.kind == kind]
    wrong = [str(line) for line in lines if not line.right]
    assert len(wrong) <= len(lines) / 10, "\n".join(wrong)


@pytest.mark.parametrize("line", HITS, ids=lambda line: line.sentence[:20])
def test_counts_are_the_placeholders_put_in(line: Line) -> None:
    masked, counts = mask(line.sentence)
    assert counts == Counter({kind: masked.count(text) for kind, text in PLACEHOLDERS.items() if text in masked})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("메일은 abc@naver.com으로", "메일은 [이메일]으로"),
        ("전화 010-1234-5678, 02)123-4567.", "전화 [전화번호], [전화번호]."),
        ("０１０－１２３４－５６７８로", "[전화번호]로"),
        ("900101-1******", "[주민등록번호]"),
        ("900101-6******", "[외국인등록번호]"),
        ("01012345678@naver.com", "[이메일]"),
        ("IP 10.0.0.1", "IP [IP주소]"),
        ("1.2.3.4절", "1.2.3.4절"),
        ("바코드 8801234567890 확인", "바코드 8801234567890 확인"),
        ("상품 8801234567893", "상품 8801234567893"),
        ("8801151000138은 바코드", "8801151000138은 바코드"),
        ("주민번호 8801151000138", "주민번호 [주민등록번호]"),
        ("이진수 01011101001", "이진수 01011101001"),
        ("010-123-4567", "[전화번호]"),
        ("02-883-2914~5", "[전화번호]"),
        ("제1234호, 2010-2019년, 1,234,567원, 3-2", "제1234호, 2010-2019년, 1,234,567원, 3-2"),
        ("110-234-567890", "110-234-567890"),
        ("계좌 110-234-567890", "계좌 [계좌번호]"),
    ],
)
def test_what_goes_and_what_stays(text: str, expected: str) -> None:
    assert mask(text)[0] == expected


def test_a_context_word_out_of_its_window_does_not_count() -> None:
    near, far = "가" * 20, "가" * 40
    assert mask(f"여권 {near} M12345678")[0] == f"여권 {near} [여권번호]"
    assert mask(f"여권 {far} M12345678")[0] == f"여권 {far} M12345678"


def test_a_placeholder_is_no_context_word() -> None:
    assert mask("[계좌번호] 110-234-567890")[1] == Counter()


def test_mixed_kinds_are_counted_by_kind() -> None:
    text = "홍길동 010-1234-5678, 010-2345-6789, hong@example.com, 211.234.56.78"
    assert mask(text) == (
        "홍길동 [전화번호], [전화번호], [이메일], [IP주소]",
        Counter({"phone": 2, "email": 1, "ip": 1}),
    )


def test_checksums_hold_for_published_examples() -> None:
    """python-stdnum's examples of resident and business numbers, and card networks' test numbers."""
    assert resident_checksum("9710139019902")
    assert not resident_checksum("9710139019903")
    assert foreigner_checksum("8501266401475")
    assert business_checksum("1168200276")
    assert not business_checksum("1168200278")
    assert card_checksum("4111111111111111")
    assert card_checksum("378282246310005")
    assert not card_checksum("4111111111111112")


@pytest.mark.parametrize("digits", ["9002291", "9913321", "0000001", "8202302"])
def test_an_impossible_birth_is_none(digits: str) -> None:
    assert birth_date(digits) is None


@pytest.mark.parametrize("placeholder", PLACEHOLDERS.values())
def test_placeholders_are_fixed_strings_that_mask_never_touches(placeholder: str) -> None:
    assert re.fullmatch(r"\[[A-Z가-힣]+\]", placeholder)
    for text in (placeholder, f"{placeholder}{placeholder}", f"계좌 여권 면허 카드 {placeholder} 전화"):
        assert mask(text) == (text, Counter())


def test_rules_name_only_kinds_with_a_placeholder() -> None:
    assert {rule.kind for rule in RULES} == set(PLACEHOLDERS)
    assert len(set(PLACEHOLDERS.values())) == len(PLACEHOLDERS)


# --- laws ------------------------------------------------------------------------------------------------------------

_WORDS = ["계좌", "여권", "면허", "카드", "전화", "IP", " ", "-", ".", "(", ")", "+82", "@", "골뱅이", "naver.com"]
_SHAPES = st.sampled_from([*(line.sentence for line in HITS), *_WORDS])
_NUMBERS = st.text(alphabet="0123456789-.() :@*x가０－–", max_size=40)
any_text = st.lists(st.text(max_size=20) | _SHAPES | _NUMBERS, max_size=8).map("".join)


@given(any_text)
def test_masking_twice_is_masking_once(text: str) -> None:
    masked, _ = mask(text)
    assert mask(masked) == (masked, Counter())


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_makes_it_fail(text: str) -> None:
    mask(text)


@given(st.text().map(lambda text: re.sub(r"\d|[@＠]|골뱅이|[:：]|[*●○◯]|\(at\)|\[at\]", "", text)))
def test_text_without_digits_and_at_stays(text: str) -> None:
    assert mask(text) == (text, Counter())


@given(any_text)
def test_everything_outside_the_replaced_spans_stays(text: str) -> None:
    """The parts between placeholders are in the original in the same order, the first and last at its ends."""
    placeholder = "|".join(map(re.escape, PLACEHOLDERS.values()))
    masked, counts = mask(text)
    pieces = re.split(placeholder, masked)
    assert len(pieces) == sum(counts.values()) + 1 + len(re.findall(placeholder, text))
    assert re.fullmatch(".*?".join(map(re.escape, pieces)), text, re.DOTALL)


@given(st.text())
def test_the_plain_form_keeps_positions(text: str) -> None:
    assert len(plain_form(text)) == len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "1-",
        "010-1234-5678-",
        "1:",
        "1234567890123456 ",
        "(",
        "a@",
        "계좌 1",
        "900101-1",
        "골뱅이 ",
        "a@b.kr1",
        "a@b.kr-",
        "1.2.3.4-",
        "192.168.0.1-",
        "계좌 12345678901 1234567890123 ",
        "여권M12345678 ",
        "1::1:1-",
        "010-1234-5678 ",
        "공일공 ",
        "o1o 1",
        "a at ",
        "가(at)",
        "골뱅이네이버",
        "850314-1#",
        "+1 ",
        "02-123-4567-",
        "1.2.x.",
    ],
)
def test_time_grows_with_length_and_not_with_its_square(unit: str) -> None:
    """A quadratic rule would need minutes here."""
    started = time.process_time()
    mask(unit * (100_000 // len(unit)))
    assert time.process_time() - started < 5
