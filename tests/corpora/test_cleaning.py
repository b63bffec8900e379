"""Cleaning: what is removed, what stays, and laws that hold for any string."""

from __future__ import annotations

import unicodedata
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.cleaning import clean, clean_label
from corpora.config import CleaningConfig
from corpora.markup.html_residue import strip_html


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (unicodedata.normalize("NFD", "한국어를 배운다"), "한국어를 배운다"),
        ("가\u200b" + unicodedata.normalize("NFD", "각"), "가각"),
        ("ᄒ\u200bᅡ\u200bᆫ글", "한글"),
        ("ＡＢＣ！（가）", "ABC!(가)"),
        ("ﾡﾢ ﾾ ｶﾞ ｢가｣", "ㄱㄲ ㅎ ガ 「가」"),
        ("상생･공유, 1／3, ￦100", "상생·공유, 1/3, ₩100"),
        ("ㅤㅂㅘㅅ는데", "ㅂㅘㅅ는데"),
        ("① ㎏ ™ ㅋㅠ ½ ㈜", "① ㎏ ™ ㅋㅠ ½ ㈜"),
        ("잘 봤다\u110f\u110f 또 보자\u1172", "잘 봤다ㅋㅋ 또 보자ㅠ"),
        ("시ㆍ군ᆞ구, 3・1 운동, 아래아(ㆍ)", "시·군·구, 3·1 운동, 아래아(ㆍ)"),
    ],
    ids=[
        "decomposed",
        "zero-width",
        "torn",
        "full width",
        "half width",
        "signs",
        "filler",
        "compatibility",
        "lone jamo",
        "dots",
    ],
)
def test_syllables_have_one_spelling(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("http://우리말.kr/책 에 있다", "에 있다"),
        ("https://www.우리말.한국/가/나?다=라 참고", "참고"),
        ("https://a.kr/에서 보라", "에서 보라"),
        ("글(출처: https://a.kr/b)이다", "글이다"),
        ("글(참고 : http://a.kr)이다 (출처: 책)", "글이다 (출처: 책)"),
        ("빈칸은 (   )이다", "빈칸은 ( )이다"),
        ("(  )에 알맞은 말", "( )에 알맞은 말"),
        ("서울( )은 큰 ( , ) 도시다", "서울은 큰 도시다"),
    ],
)
def test_addresses_go_with_what_only_names_them_and_blanks_stay(raw: str, expected: str) -> None:
    assert clean(raw) == expected == clean(expected)


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
        ('세종<ref name="실록">세종실록</ref>은', "세종은"),
        ('<ref name="a"/>세종<ref>실록</ref>은', "세종은"),
        ("<!DOCTYPE html><html lang='ko'><head><title>가</title></head><body>나</body></html>", "나"),
        ('<page id="x"><title>제목</title><gui>확인</gui>을 누릅니다</page>', "제목\n확인을 누릅니다"),
        ("<input disabled><P>하나</P><TD nowrap>둘", "하나\n\n둘"),
        ('<hi style="color: rgb(255, 0, 0);">개발</hi>제한', "개발제한"),
        ("漢<rt>한</rt>字<p hidden>숨음</p>와 <span style='display:none'>숨음</span>글", "漢字와 글"),
        ("&lt;br&gt; 태그는 줄을 바꾸고 &lt;span&gt;은 묶는다", "<br> 태그는 줄을 바꾸고 <span>은 묶는다"),
        ("<span>은</span> 묶고 <br>이 글은 바꾼다", "은 묶고\n이 글은 바꾼다"),
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
        ("너무 &lt투혼&gt과 비슷&nbsp하다", "너무 <투혼>과 비슷 하다"),
        ("&unknown; &copyright; AT&T KT&G", "&unknown; &copyright; AT&T KT&G"),
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
        ("서울(, 漢城)은", "서울(漢城)은"),
        ("방정식(方程式, )은 신라( , 기원전 57년)", "방정식(方程式)은 신라(기원전 57년)"),
        ("main()과 print()는 함수다", "main()과 print()는 함수다"),
        ("(사항임을 알려드리며,)그 외", "(사항임을 알려드리며,)그 외"),
    ],
)
def test_parentheses_that_cleaning_or_wiki_templates_emptied_go(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_only_tags_of_html_are_tags() -> None:
    assert strip_html("<홍길동> <x> <br> <bravo>") == "<홍길동> <x> \n <bravo>"


TITLES = ["<A Midsummer Night's Dream>", "<AC/DC>", "<Map of the Soul>", "<Map>", "<TIME>지", "<E = mc2>", "<A>와 <B>"]


@pytest.mark.parametrize("text", TITLES)
def test_titles_in_angle_brackets_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("'''세종'''은 '''''왕'''''이다", "세종은 왕이다"),
        ("[[서울특별시|서울]]과 [[부산]], [[:분류:도시]]", "서울과 부산, 분류:도시"),
        ("글[[분류:인물]]이다[[파일:a.jpg|섬네일|설명]]", "글이다"),
        ("고려의 공민왕]]과 [[이성계", "고려의 공민왕]]과 [[이성계"),
        ("고려의 공민왕]]은", "고려의 공민왕은"),
        ("세종{{출처 필요}}은 왕{{lang|zh|世宗}}이다", "세종은 왕世宗이다"),
        ("역사[편집]\n글이다", "역사\n글이다"),
        ("그는 [편집] 단추를 눌렀다", "그는 [편집] 단추를 눌렀다"),
        ("== 역사 ==\n글\n=== 고대 ===", "역사\n글\n고대"),
        ("[https://a.kr/b 누리집]을 보라", "누리집을 보라"),
        ("함수 formula_12는 codice_3이다 __TOC__", "함수 는 이다"),
        ("323번째(윤년<nowiki>일 경우)</nowiki>", "323번째(윤년일 경우)"),
    ],
)
def test_wiki_residue_goes(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1 == 2",
        "a[b[0]]",
        "''겹작은따옴표''",
        "if [[ -f x ]]",
        "{하나}",
        "my_formula",
        "def __init__(self):",
        "a = b == c",
    ],
)
def test_what_only_looks_like_wiki_stays(text: str) -> None:
    assert clean(text) == text


FRONT_MATTER = "---\ntitle: 제목\nms.date: 10/03/2016\ntags:\n- 하나\n---\n본문이다."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (FRONT_MATTER, "본문이다."),
        ("# 제목\n## 작은 제목\n글", "제목\n작은 제목\n글"),
        ("[설명서](https://a.kr/b_(c))를 ![그림](img/a.png)보라", "설명서를 보라"),
        ("`설명서 <https://a.kr>`_를 보라", "설명서를 보라"),
        ("```python\n코드\n```", "코드"),
        ("## 절\n**굵게**와 *기울임*은 `코드`다\n> 인용\n> [!NOTE]\n\\*별", "절\n굵게와 기울임은 코드다\n인용\n\n*별"),
        ("하나\n-----\n| 가 | 나 |\n|---|:-:|\n======\n둘", "하나\n\n| 가 | 나 |\n\n둘"),
    ],
)
def test_markdown_residue_goes(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2**3은 8이고 4**5도 있다",
        "별점 **** 재미있다",
        "당시 **수협 조합장이던 김**와 박**가 만났다",
        "*^^* 강추해요 ^^*",
        "`양생`의 개념",
        "#해시태그 C# C++",
        "[공지](필독) [1](참고)",
        "> _ <",
        "그는 --- 말을 멈췄다",
        "a | b | c",
        "3:2 = 6:4",
    ],
)
def test_what_prose_has_in_common_with_markdown_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("http://ip.kisa.or.kr에서 얻는다", "에서 얻는다"),
        ("포털(www.saramin.co.kr)이", "포털이"),
        ("https://ko.wikipedia.org/wiki/한국어 참고", "참고"),
        ("https://a.kr/에서 보라", "에서 보라"),
        ("보라 <https://a.kr/?a=1&b=2> [http://b.kr]", "보라"),
        ("마지막 항해http://blog.naver.com/love, 그리고", "마지막 항해, 그리고"),
        ("HTTPS://A.KR/x(y) 끝", "끝"),
    ],
)
def test_addresses_go_and_particles_stay(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize("text", ["naver.com으로 가자", "hong@www.kr", "http://", "wwww.", "비율은 3://4"])
def test_what_is_no_address_stays(text: str) -> None:
    assert clean(text) == text


def test_addresses_stay_where_the_settings_say_so() -> None:
    text = "https://a.kr/b?c=1&copy=2 에서 www.b.kr까지"
    assert clean(text, CleaningConfig(urls="keep")) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ㅋㅋㅋㅋㅋㅋ 재밌다 ㅠㅠㅠㅠ ㅎㅎㅎㅎ", "ㅋㅋㅋ 재밌다 ㅠㅠㅠ ㅎㅎㅎ"),
        ("와!!!!!! 정말~~~~~ 그런데......", "와!!! 정말~~~ 그런데..."),
        ("아아아아아 하하하하핫", "아아아 하하하핫"),
        ("♥♥♥♥♥ 😂😂😂😂 ❤\ufe0f❤\ufe0f❤\ufe0f❤\ufe0f", "♥♥♥ 😂😂😂 ❤\ufe0f❤\ufe0f❤\ufe0f"),
        ("^^^^^ ;;;;; ????? ……………", "^^^ ;;; ??? ………"),
    ],
)
def test_repeated_characters_are_shortened(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1000000원 0000",
        "wwww aaaa OOOO",
        "★★★★★ ☆☆☆☆",
        "김**** ○○○○",
        "하하하 ㅋㅋㅋ ...",
        "((((가))))",
        "一一一一",
        "가나가나가나가나",
    ],
)
def test_repetitions_that_say_something_stay(text: str) -> None:
    assert clean(text) == text


def test_the_length_of_repetitions_is_set() -> None:
    assert clean("ㅋㅋㅋㅋㅋㅋㅋㅋ", CleaningConfig(max_repeats=5)) == "ㅋㅋㅋㅋㅋ"
    assert clean("ㅋㅋㅋㅋㅋㅋㅋㅋ", CleaningConfig(max_repeats=None)) == "ㅋㅋㅋㅋㅋㅋㅋㅋ"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_utf8_read_as_single_bytes_is_repaired(encoding: str) -> None:
    broken = "안녕 반갑습니다".encode().decode(encoding)
    assert clean(f"머리말: {broken}") == "머리말: 안녕 반갑습니다"


@pytest.mark.parametrize("text", ["café, naïve, São", "forêt “là” – être", "ê, ë, ì, í", "Ã©", "í•œ"])
def test_what_is_not_certainly_broken_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("대한민국(大韓民國)은 민주공화국(民主 共和國)이다", "대한민국은 민주공화국이다"),
        ("3월 1일(土) 회의, (美) 대통령, 김구(金九, 1876년)", "3월 1일(土) 회의, (美) 대통령, 김구(金九, 1876년)"),
    ],
)
def test_hanja_in_parentheses_go_only_on_request(raw: str, expected: str) -> None:
    assert clean(raw, CleaningConfig(hanja_in_parentheses="remove")) == expected
    assert clean(raw) == raw


def test_joiners_stay_within_emoji_only() -> None:
    assert clean("👩\u200d💻 가\u200d나 😀\u200d끝") == "👩\u200d💻 가나 😀끝"


def test_an_id_keeps_what_looks_like_markup() -> None:
    assert clean_label(" https://a.kr/b__c\u200b\n<1>\x00 ") == "https://a.kr/b__c <1>"


EVERY_TRIGGER = (
    "(, ) (가, ) [a](https://a.kr) >`_ {{a}} [[a]] [b]] <b></b> ì•ˆë…• [! ` \\* ** __ formula_1\n```\n## 가\n> 끝"
)


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<script>", "<ref>", "<", "<a ", "&amp;", "&", "[[", "[a](", "{{", "'''", "(", "()", "( ,", "==", "= ", "#", "# ", "**", "*a ", "`", "```", ">", "|-", "-", "=", "http://", "www.", "ㅋ", "!", " ", "\n", " \n", "ì•ˆ", "ᄒ", "\u200d", "\\", "formula_", "[http://a ", "]]", "a]]", "`a <", "<b>", "\ud800", "가(漢)", "</a", "｡", "(a", "\uff1c", ", ", ",", "漢(", "`a<", "ì•", "😀\ufe0f", "---\n", "a: b\n", "<!-- -->", "](", "[!", "> "],
)  # fmt: skip
def test_a_megabyte_of_unfinished_markup_is_cleaned(piece: str) -> None:
    cleaned = clean(f"{piece * (1_000_000 // len(piece))} {EVERY_TRIGGER}")
    assert len(cleaned) <= 1_100_000
    assert cleaned.endswith("끝")


@pytest.mark.parametrize("depth", [3, 50, 1000])
@pytest.mark.parametrize(
    ("opening", "closing"), [("(", ")"), ("<<b>", "b>"), ("&amp;", ""), ("[[", "]]"), ("{{", "}}"), ("ht", "tp://a")]
)
def test_nested_markup_ends_after_some_passes(opening: str, closing: str, depth: int) -> None:
    cleaned = clean("앞 " + opening * depth + closing * depth + " 뒤")
    assert clean(cleaned) == cleaned
    assert cleaned.startswith("앞")
    assert cleaned.endswith("뒤")


ANY_TEXT = st.text(st.characters(exclude_categories=()))
MARKUP = st.lists(
    st.sampled_from(
        [
            "<", ">", "&", "amp;", "lt;", "gt;", "nbsp;", "#x200b;", "#xD800;", "b", "br", "script", "</", "/>", "<!--", "-->", "(", ")", ", ", " ", "\n", "\r", "한", "ᄒ", "ᅡ", "ᆫ", "\u200b", "\u3000", "\x00",
            "'", "'''", "[[", "]]", "[", "](", "|", "{{", "}}", "==", "=", "# ", "#", "**", "*", "`", "```", "> ", "---", "\n---\n", "http://", "www.", "a.kr", "/", "formula_", "1", "_", "__TOC__",
            "ㅋㅋㅋ", "ㅋ", "!!", "...", "아", "ì•ˆë…•", "ë", "\xa0", "ｶ", "ﾞ", "＜", "漢", "\u200d", "😀", "\ufe0f", "\\", ";", ":", "a:", "x=1",
        ]
    ),
    max_size=40,
).map("".join)  # fmt: skip
CONFIGS = st.builds(
    CleaningConfig,
    urls=st.sampled_from(["remove", "keep"]),
    max_repeats=st.sampled_from([None, 3, 4]),
    hanja_in_parentheses=st.sampled_from(["keep", "remove"]),
)


@given(st.one_of(ANY_TEXT, MARKUP), CONFIGS)
def test_any_string_can_be_cleaned_and_cleaning_again_changes_nothing(text: str, config: CleaningConfig) -> None:
    cleaned = clean(text, config)
    assert clean(cleaned, config) == cleaned
    assert cleaned.encode().decode() == unicodedata.normalize("NFC", cleaned)


@given(ANY_TEXT)
def test_a_label_is_one_clean_line(text: str) -> None:
    label = clean_label(text)
    assert clean_label(label) == label
    assert "\n" not in label


def _jamo(text: str) -> list[str]:
    return [character for character in unicodedata.normalize("NFD", text) if "\u1100" <= character <= "\u11ff"]


KOREAN = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.sampled_from(" \n\t.,?!()<>\u200b\u3000한ㅋ1a*#-=~'\"|[]{}:/"),
    )
)


PROSE = KOREAN.filter(lambda text: not any(mark in text for mark in ("<", "[[", "{{", "://")))


@given(PROSE)
def test_without_markup_no_syllable_is_lost(text: str) -> None:
    assert _jamo(clean(text, CleaningConfig(max_repeats=None))) == _jamo(text)


@given(PROSE)
def test_repeats_are_the_only_syllables_lost(text: str) -> None:
    assert [first for first, _ in groupby(clean(text)) if first >= "가"] == [
        first for first, _ in groupby(clean(text, CleaningConfig(max_repeats=None))) if first >= "가"
    ]
