"""Filters: each gives its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.config import FilterConfig
from corpora.documents import Document, Drop
from corpora.steps.boilerplate import boilerplate_share, strip_boilerplate
from corpora.steps.filters import (
    duplicate_line_shares,
    duplicate_ngram_share,
    hangul_share,
    keep,
    list_share,
    markup_share,
    top_ngram_share,
)

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
        ("國漢文은 漢字가 많다", 1.0),
        ("漢字漢字漢字는", 1 / 7),
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


# --- markup or code ---------------------------------------------------------------------------------------------------

CODE = """def 더하기(가, 나):
    결과 = {"합": 가 + 나, "차": 가 - 나}
    return 결과["합"] if 가 > 나 else [결과["차"]]
값 = 더하기(1, 2); 목록 = [x for x in 값 if x != 0]
print(f"{값=} {목록=}") # 출력; @장식 $변수 = {}
"""
PROSE = (
    "세종은 조선의 제4대 임금이다. 그는 1443년에 훈민정음을 만들었고, 1446년에 이를 반포하였다.\n"
    "“나랏말싸미 중국과 달라” 백성이 뜻을 펴지 못함을 딱하게 여겼다고 한다(『훈민정음』 서문).\n"
    "R&D에 5%를 쓰며, 식 E = mc²와 <용비어천가>도 본문에 나온다; [주 1]과 a_b도 그렇다."
)


def _reason(text: str, config: FilterConfig | None = None) -> str | None:
    drop = keep(_document(text), config or FilterConfig())
    return drop.reason if drop else None


def test_programs_are_dropped_and_prose_with_signs_stays() -> None:
    assert _reason(CODE) == "markup_or_code"
    assert _reason(PROSE) is None
    assert markup_share(PROSE) < 0.07 < 0.15 < markup_share(CODE)


def test_a_short_text_with_brackets_is_no_program() -> None:
    assert _reason("<용비어천가> [세종] {훈민정음} 이것은 서른 글자를 조금 넘는 글이다") is None


# --- lists and tables -------------------------------------------------------------------------------------------------

NAMES = "\n".join(
    [
        "가평군",
        "강릉시 교동",
        "경주 2010",
        "고양시 일산동구",
        "과천",
        "광명",
        "광주 (1986)",
        "구리",
        "군산",
        "김포",
        "남양주 3선",
        "목포",
    ]
)
TABLE = "\n".join(f"| {year} | 우승하였다 | {year - 1990}경기 |" for year in range(1995, 2010))
REVIEWS = """정말 재밌어요
최고의 영화
두 번 봤습니다 ㅋㅋㅋ
돈 아깝다...
배우들 연기가 일품
음악도 좋고!
쓰레기
이걸 왜 봤을까
눈물이 났음
강추
그냥 그래요
별로였지만 결말은 좋네"""
VERSE = """나 보기가 역겨워
가실 때에는
말없이 고이 보내 드리오리다

영변에 약산
진달래꽃
아름 따다 가실 길에 뿌리오리다

가시는 걸음걸음
놓인 그 꽃을
사뿐히 즈려밟고 가시옵소서

나 보기가 역겨워
가실 때에는
죽어도 아니 눈물 흘리오리다"""
DIALOGUE = """어디 가?
학교.
왜?
시험 보러 가지
몇 시에?
아홉 시
늦겠다
괜찮아
뛰어가면 돼
그래, 잘 다녀와
응
저녁에 봐"""


@pytest.mark.parametrize("text", [NAMES, TABLE], ids=["names", "table"])
def test_lists_and_tables_are_dropped(text: str) -> None:
    assert _reason(text) == "list_or_table"


@pytest.mark.parametrize("text", [REVIEWS, VERSE, DIALOGUE, PROSE], ids=["reviews", "verse", "dialogue", "prose"])
def test_short_lines_that_speak_are_no_list(text: str) -> None:
    assert _reason(text) is None
    assert list_share(text.split("\n")) < 0.6


def test_a_few_lines_are_no_list() -> None:
    assert _reason("\n".join(NAMES.split("\n")[:9])) is None


# --- repetition -------------------------------------------------------------------------------------------------------


STORY = """옛날 어느 산골에 나무꾼이 홀어머니를 모시고 살았다.
하루는 숲에서 사슴 한 마리가 뛰어와 숨겨 달라고 빌었다.
나무꾼은 쌓아 둔 나뭇단 속에 사슴을 얼른 감추어 주었다.
잠시 뒤 사냥꾼이 나타나 못 보았느냐고 다그쳐 물었다.
저쪽 고개로 달아났다는 말에 사냥꾼은 급히 쫓아갔다.
목숨을 건진 사슴은 은혜를 갚겠다며 비밀을 일러 주었다.
보름밤이면 선녀들이 내려와 못에서 목욕을 한다는 것이었다.
그는 가르쳐 준 대로 날개옷 한 벌을 몰래 숨겨 두었다."""


def test_repeated_lines_are_dropped() -> None:
    refrain = "오늘도 좋은 하루 되세요."
    assert _reason(f"{STORY}\n{refrain}\n{refrain}") is None
    assert _reason(f"{STORY}\n" + f"{refrain}\n" * 6) == "repeated_lines"


@pytest.mark.parametrize(
    ("lines", "shares"),
    [
        (["가", "나"], (0.0, 0.0)),
        (["가나", "가나", "다", "라"], (0.25, 1 / 3)),
        ([], (0.0, 0.0)),
        (["가"] * 4, (0.75, 0.75)),
    ],
)
def test_duplicate_lines_are_counted_after_the_first(lines: list[str], shares: tuple[float, float]) -> None:
    assert duplicate_line_shares(lines) == pytest.approx(shares)


def test_repeated_sequences_of_words_are_dropped() -> None:
    assert _reason(STORY.replace("\n", " ")) is None
    assert _reason("우체국이니까 힘내라 " * 40) == "repeated_ngrams"
    assert _reason(f"{STORY} {STORY}".replace("\n", " ")) == "repeated_ngrams"


def test_a_refrain_is_no_repetition() -> None:
    assert (
        _reason("아리랑 아리랑 아라리요 아리랑 고개로 넘어간다 나를 버리고 가시는 임은 십 리도 못 가서 발병 난다 " * 2)
        is None
    )


def test_one_repetitive_passage_of_a_long_text_is_no_reason() -> None:
    different = " ".join(f"낱말{number} 다른{number * 3} 이야기{number * 5}를 한다" for number in range(2500))
    assert _reason(f"{different} " + "아리랑 고개로 넘어간다 " * 50) is None


def test_shares_of_sequences() -> None:
    assert top_ngram_share(["가", "나", "다", "가", "나", "라"], 2) == pytest.approx(4 / 6)
    assert top_ngram_share(["가", "나", "다"], 2) == 0.0
    assert top_ngram_share([], 2) == 0.0
    assert duplicate_ngram_share(["가", "나", "다", "라", "가", "나"], 2) == pytest.approx(2 / 6)
    assert duplicate_ngram_share(["가", "나", "다", "라"], 2) == 0.0


# --- boilerplate ------------------------------------------------------------------------------------------------------

ARTICLE = "정부는 1일 새 대책을 발표했다.\n시민들은 환영했다."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f"(서울=연합뉴스) 홍길동 기자 = {ARTICLE}", ARTICLE),
        (f"[서울=뉴시스]홍길동 기자 = {ARTICLE}", ARTICLE),
        (f"[한국일보 홍길동·김철수 기자] {ARTICLE}", ARTICLE),
        (f"{ARTICLE}\n홍길동 기자 hong@example.kr", ARTICLE),
        (f"{ARTICLE}\n홍길동 선임기자 [이메일]", ARTICLE),
        (f"{ARTICLE}\n홍길동 기자\n", ARTICLE),
        (f"{ARTICLE}\n<저작권자(c) 연합뉴스, 무단 전재-재배포 금지>", ARTICLE),
        (f"{ARTICLE}\nⓒ 한국일보, 무단전재 및 재배포 금지", ARTICLE),
        (f"{ARTICLE} ⓒ 한국일보 무단 전재 및 재배포를 금합니다.", ARTICLE),
        (f"{ARTICLE}\n저작권자 ⓒ 한국일보", ARTICLE),
        (f"{ARTICLE}\nCopyright © 2024 한국일보. All rights reserved.", ARTICLE),
        (f"로그인 | 회원가입 | 고객센터\n\n{ARTICLE}\n\n▶ 한국일보 구독하기", ARTICLE),
        (f"{ARTICLE}\n기사제보: 02-123-4567", ARTICLE),
    ],
)
def test_boilerplate_goes_and_the_article_stays(raw: str, expected: str) -> None:
    assert strip_boilerplate(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "무단전재는 저작권법 위반이다.",
        "기사를 무단으로 옮기는 일을 금지하는 법이 통과됐다.",
        "© 기호는 저작권을 뜻한다.",
        "(c) 셋째 항목은 다음과 같다.",
        "저작권자는 이를 허락할 수 있다.",
        "홍길동 기자\n그는 2001년에 신문사에 들어갔다.",
        "홍길동 기자는 말했다.",
        "신문을 구독하는 사람이 줄었다.",
        "▶ 구독하는 사람이 많다.",
        "(평균=100) 지수는 올랐다.",
        "로그인",
        "(서울=연합뉴스)라고 쓰인 종이가 있었다.",
        "문의: 누구에게 할까",
    ],
)
def test_sentences_about_copyright_and_reporters_stay(text: str) -> None:
    assert strip_boilerplate(text) == text
    assert boilerplate_share(text) == 0.0


BOILERPLATE = "로그인 | 회원가입 | 고객센터\n홍길동 기자 hong@example.kr\nⓒ 한국일보, 무단전재 및 재배포 금지"


def test_a_document_of_boilerplate_alone_is_dropped_by_name() -> None:
    assert strip_boilerplate(BOILERPLATE) == BOILERPLATE
    assert _reason(BOILERPLATE) == "boilerplate"
    assert boilerplate_share(BOILERPLATE) == 1.0
    assert _reason(f"{BOILERPLATE}\n{PROSE}") is None


# --- laws -------------------------------------------------------------------------------------------------------------

OFF = FilterConfig(
    min_characters=0,
    min_hangul_share=0,
    max_boilerplate_share=1,
    max_markup_share=1,
    max_list_share=1,
    max_duplicate_line_share=1,
    max_duplicate_line_character_share=1,
    max_top_ngram_shares=(1, 1, 1),
    max_duplicate_ngram_share=1,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))
LINES = st.lists(
    st.sampled_from(
        [
            *NAMES.split("\n"),
            *BOILERPLATE.split("\n"),
            *TABLE.split("\n"),
            "",
            "(서울=연합뉴스) ",
            "홍길동 기자 = ",
            "다.",
            "ⓒ",
            "기자",
        ]
    ),
    max_size=30,
).flatmap(lambda lines: st.sampled_from(["\n", " ", ""]).map(lambda joint: joint.join(lines)))


@pytest.mark.parametrize("text", ["", "short", CODE, NAMES, TABLE, BOILERPLATE, "가 " * 500, "같은 줄이다.\n" * 50])
def test_every_filter_can_be_switched_off(text: str) -> None:
    assert keep(_document(text), OFF) is None


@given(st.one_of(ANY_TEXT, LINES))
def test_any_text_is_kept_or_dropped_with_a_reason(text: str) -> None:
    drop = keep(_document(text), CONFIG)
    assert drop is None or drop.reason in {
        "too_short",
        "not_korean",
        "markup_or_code",
        "boilerplate",
        "list_or_table",
        "repeated_lines",
        "repeated_ngrams",
    }


@given(st.one_of(ANY_TEXT, LINES))
def test_stripping_boilerplate_twice_changes_nothing_more(text: str) -> None:
    stripped = strip_boilerplate(text)
    assert strip_boilerplate(stripped) == stripped
    assert 0 <= boilerplate_share(text) <= 1


@pytest.mark.parametrize(
    "piece",
    [
        "다.",
        "무단 전재 ",
        "홍길동 기자",
        "(서울=",
        "[연합뉴스] ",
        "로그인 ",
        "▶구독",
        "\n",
        "ⓒ",
        "! ",
        "가 나\n",
        "@",
        "=",
    ],
)
def test_a_megabyte_is_judged(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + " 기자 ⓒ = 무단"
    assert len(strip_boilerplate(text)) <= len(text)
    keep(_document(text), OFF)
