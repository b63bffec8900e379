"""`line_breaks: join`: lines that were broken for their width."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.config import CorporaConfig
from corpora.documents import Document
from corpora.inputs import input_files, read
from corpora.sentences import split_sentences
from corpora.sources.wrapped_lines import join_wrapped, looks_wrapped
from corpora.survey import survey
from kobert_pipeline.ground.errors import RecipeError

AT_WORDS = "인공지능은 사람의 지능을 기계로\n구현하려는 시도이며, 지난 수십 년\n동안 많은 발전을 이루었다. 특히\n최근에는 크게 좋아졌다."
AT_CHARACTERS = "그러나 알고보니 그 봉\n지 안에 있던 것은 바로\n레몬이었던 것이다."
ARTICLE = (
    "산골 마을의 작은 도서관에는 아침마다 아이들이 모인다. 학교가 문을 닫은 뒤로 책을 읽을 곳이 없었기 때문이다. 주민들은 빈 창고를 고쳐 "
    "서가를 놓고, 저마다 집에 있던 책을 가져왔다. 처음에는 낡은 동화책 몇 권뿐이었지만, 소식을 들은 사람들이 보내 준 책으로 지금은 방 두 개가 "
    "가득 찼다. 도서관을 지키는 할머니는 글을 배우지 못한 것이 평생의 한이었다고 말한다. 그는 아이들 곁에서 함께 글자를 익혔고, 지난가을에는 "
    "처음으로 손자에게 편지를 썼다."
)
LETTER = (
    "지난주에 보내 주신 자료는 잘 받았습니다. 회의에서 함께\n살펴본 뒤에 의견을 정리해 다시 말씀드리겠습니다. 오는\n금요일까지는 답을 드릴 수 있습니다.\n"
    "회의는 화요일입니다.\n\n준비할 것은 다음과 같습니다.\n- 지난달의 보고서와 이번 달의 계획을 적은 문서 한 부\n- 참석하는 사람의 이름과 연락할 수 있는 전화번호 목록"
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (AT_WORDS, ["인공지능은 사람의 지능을 기계로 구현하려는 시도이며, 지난 수십 년 동안 많은 발전을 이루었다.", "특히 최근에는 크게 좋아졌다."]),
        (AT_CHARACTERS, ["그러나 알고보니 그 봉지 안에 있던 것은 바로 레몬이었던 것이다."]),
        (AT_CHARACTERS.replace("\n", " \n", 1), ["그러나 알고보니 그 봉 지 안에 있던 것은 바로 레몬이었던 것이다."]),
        (AT_WORDS.replace("\n", "\r\n"), ["인공지능은 사람의 지능을 기계로 구현하려는 시도이며, 지난 수십 년 동안 많은 발전을 이루었다.", "특히 최근에는 크게 좋아졌다."]),
    ],
    ids=["at words", "at characters", "a space that the line kept", "line ends of Windows"],
)  # fmt: skip
def test_sentences_go_on_over_lines_that_were_broken_for_their_width(text: str, sentences: list[str]) -> None:
    assert split_sentences(join_wrapped(text)) == sentences


def test_short_lines_list_items_and_blank_lines_stay() -> None:
    joined = join_wrapped(LETTER).split("\n")
    assert joined[0].endswith("오는 금요일까지는 답을 드릴 수 있습니다.")
    assert joined[1:4] == ["회의는 화요일입니다.", "", "준비할 것은 다음과 같습니다."]
    assert [line[:2] for line in joined[4:]] == ["- ", "- "]


@pytest.mark.parametrize(
    "text", ["", "한 줄입니다.", "산에는\n꽃이 피네\n꽃이 피네", "제목\n\n본문은 여기에 있습니다.\n\n끝"]
)
def test_other_texts_are_left_as_they_are(text: str) -> None:
    assert join_wrapped(text) == text


@pytest.mark.parametrize("width", range(20, 66, 5))
def test_a_text_that_is_wrapped_at_words_comes_back(width: int) -> None:
    paragraphs = [ARTICLE, ARTICLE[:200]]
    wrapped = ["\n".join(wrap(paragraph, width)) for paragraph in paragraphs]
    assert join_wrapped("\n\n".join(wrapped)) == "\n\n".join(paragraphs)


@pytest.mark.parametrize("width", range(20, 66, 5))
def test_a_text_that_is_wrapped_at_characters_comes_back_but_for_a_few_spaces(width: int) -> None:
    wrapped = "\n".join(ARTICLE[begin : begin + width].strip() for begin in range(0, len(ARTICLE), width))
    joined = join_wrapped(wrapped)
    assert "\n" not in joined
    assert abs(joined.count(" ") - ARTICLE.count(" ")) <= 0.25 * wrapped.count("\n") + 1


@given(st.text(st.sampled_from("가나다 요.-1aB(\t\n"), max_size=300))
def test_nothing_but_spaces_changes(text: str) -> None:
    assert join_wrapped(text).split() == text.split() or "".join(join_wrapped(text).split()) == "".join(text.split())


def test_joined_lines_are_not_joined_again() -> None:
    joined = join_wrapped(LETTER)
    assert join_wrapped(joined) == joined


def test_a_source_joins_its_lines_only_if_it_is_asked_to(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(AT_WORDS, encoding="utf-8")
    read_as = {}
    for choice in ("keep", "join"):
        source = {"name": "a", "path": str(tmp_path), "documents": "file", "line_breaks": choice}
        (file,) = input_files(CorporaConfig.parse({"sources": [source]}))
        ((document, _),) = read(file)
        assert isinstance(document, Document)
        read_as[choice] = document.text
    assert read_as == {"keep": AT_WORDS, "join": join_wrapped(AT_WORDS)}


def test_a_document_for_each_line_cannot_have_its_lines_joined() -> None:
    source = {"name": "a", "path": "a.txt", "documents": "line", "line_breaks": "join"}
    with pytest.raises(RecipeError, match="set one of them"):
        CorporaConfig.parse({"sources": [source]})


def test_init_proposes_to_join_lines_where_they_were_broken_for_their_width(tmp_path: Path) -> None:
    wrapped = "\n".join(wrap(" ".join([AT_WORDS.replace("\n", " ")] * 6), 30))
    assert looks_wrapped(wrapped.split("\n"))
    (tmp_path / "letter.txt").write_text(wrapped, encoding="utf-8")
    (kind,) = survey(str(tmp_path)).kinds
    assert kind.settings["line_breaks"] == "join"
    assert kind.settings["documents"] == "file"
    assert kind.documents == [1]


@pytest.mark.parametrize(
    "lines",
    [
        ["참 좋아요", "배송이 빨라요. 포장도 꼼꼼해요", "그냥 그래요", "다시는 안 사요", "색이 사진과 달라요", "재미있게 봤습니다", "별로예요"],
        ["이 문장은 문단 하나를 이루는 긴 줄입니다. 그래서 줄마다 길이가 다릅니다."] * 3 + ["짧은 줄입니다.", "끝."] * 3,
    ],
)  # fmt: skip
def test_reviews_and_paragraphs_do_not_look_wrapped(lines: list[str]) -> None:
    assert not looks_wrapped(lines)
