"""Sentence splitting: the fast rules, kss over MeCab, and nothing lost by either."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.cleaning import clean
from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, read
from corpora.sentences import MAX_CHARACTERS, SPLITTERS, Splitter, sentence_spans, split_sentences
from corpora.sentences.fast_splitter import parsed_ends, sentence_ends
from corpora.sentences.kss_splitter import _splitter
from corpora.sentences.plain_line import plain_line
from kobert_pipeline.morphology.mecab import dictionary_path


def _bare(text: str) -> str:
    return "".join(text.split())


# --- the library underneath ------------------------------------------------------------------------------------------


@pytest.mark.system
def test_kss_works_with_mecab_and_our_dictionary() -> None:
    assert _splitter().keywords["backend"] == "mecab"  # type: ignore[attr-defined]
    assert Path(os.environ["MECABRC"]).read_text(encoding="utf-8") == f"dicdir = {dictionary_path()}\n"
    from kss._modules.morphemes.analyzers import MecabAnalyzer

    assert MecabAnalyzer._backend == "mecab"
    assert MecabAnalyzer().pos("학교에서", drop_space=True) == [("학교", "NNG"), ("에서", "JKB")]


IMPORT = """
import logging, os, sys
from corpora.sentences import split_sentences
assert "kss" not in sys.modules and "MeCab" not in sys.modules
logging.basicConfig(level=logging.ERROR, format="ours: %(message)s")
handlers = list(logging.root.handlers)
assert split_sentences("오늘은 춥다. 내일은 덜 춥겠다.", "kss") == ["오늘은 춥다.", "내일은 덜 춥겠다."]
assert "kss" in sys.modules and os.path.isfile(os.environ["MECABRC"])
assert logging.root.handlers == handlers and logging.root.level == logging.ERROR
"""


@pytest.mark.system
def test_importing_kss_prints_nothing_and_leaves_the_root_logger_alone(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MECABRC"}
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- where sentences end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("오늘은 비가 온다. 내일은 갠다.", ["오늘은 비가 온다.", "내일은 갠다."]),
        ("밥은 먹었니? 응, 먹었어!", ["밥은 먹었니?", "응, 먹었어!"]),
        ("그는 “비가 온다. 우산을 챙겨라.”라고 말했다.", ["그는 “비가 온다. 우산을 챙겨라.”라고 말했다."]),
        ("원주율은 3.14이다. 널리 쓰인다.", ["원주율은 3.14이다.", "널리 쓰인다."]),
        ("제목 없는 글", ["제목 없는 글"]),
        ("", []),
        ("\n\n", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str], splitter: Splitter) -> None:
    assert split_sentences(text, splitter) == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        # no marks at all: the ending decides
        ["어제 산에 다녀왔어요", "공기가 참 맑더라고요", "다음에 또 가려고요"],
        ["물건이 늦게 왔습니다", "그래도 상태는 좋네요", "잘 쓰겠습니다"],
        ["배가 고프다", "밥을 먹어야겠다", "냉장고가 비었다"],
        ["그 집 국수가 맛있었지", "요즘은 문을 닫았다고 하더라고"],
        ["재고 확인이 필요함", "담당자에게 문의했음", "답은 아직 없음"],
        # laughter, tears, tildes and emoji belong to the sentence before
        ["진짜 웃겼어요ㅋㅋㅋ", "또 볼래요~", "다들 꼭 보세요 😊"],
        ["너무 슬펐어ㅠㅠ", "휴지를 다 썼다 ㅎㅎ"],
        # marks of every kind
        ["정말요?!", "믿을 수 없어요…", "그럴 리가."],
        ["문이 열렸다.", "‘누구세요?’ 하고 물었다.", "대답이 없었다."],
        # speech, line by line
        ['"밥 먹었어?"', '"아직이요."', "그는 웃었다."],
        ['수진: "내일 봐."', '민호: "그래, 조심히 가."'],
        # dialects
        ["비가 억수로 왔데이", "우산도 없었제", "홀딱 젖었당께"],
        ["어디 갔다 왔슈", "장에 다녀왔구먼유"],
    ],
)  # fmt: skip
def test_the_fast_splitter_reads_korean_as_it_is_written(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "늦게까지 일하다 보니 배가 고팠다.",
        "그가 온다고 해도 나는 가지 않겠다.",
        "문을 열었다 닫았다 하지 마라.",
        "아무리 좋다 하더라도 값이 너무 비싸다.",
        "책상 위에 있지 않은 것은 서랍에 있다.",
        '간판에는 "어서 오세요!" 라고 적혀 있었다.',
        "그는 ‘이제 끝이다’ 하며 손을 털었다.",
        "소설 《비가 온다》 등이 실려 있다.",
        "회의는 2024. 3. 15. 오후 두 시에 열린다.",
        "가격(부가세 별도입니다. 참고하세요)은 아래와 같다.",
        "J. R. R. 톨킨이 쓴 소설이다.",
        "본사(Seoul Foods Co. Ltd.)는 종로에 있다.",
        "그의 글은 재미(?) 있다는 평을 듣는다.",
        "사과, 배 등을 샀다.",
        "1. 물을 끓인다",
        "가. 신청서를 낸다",
        "교사요 시인인 그는 말이 없었다.",
    ],
)
def test_what_only_looks_like_an_end_ends_nothing(sentence: str) -> None:
    assert split_sentences(sentence) == [sentence]


def test_the_tags_confirm_what_the_line_decides_alone() -> None:
    """Stretches between certain ends are parsed on their own, or not at all; parsing whole lines gives the same
    ends."""
    config = CorporaConfig(sources=(SourceConfig(name="sample", path="package:corpora/sample"),))
    items = [item for file in input_files(config) for item, _ in read(file)]
    texts = [clean(item.text) for item in items if isinstance(item, Document)]
    lines = [plain_line(line).text for text in texts for line in text.split("\n") if 0 < len(line) < MAX_CHARACTERS]
    ends = [(set(sentence_ends(line)), set(parsed_ends(line))) for line in lines]
    assert sum(len(whole) for _, whole in ends) > 500
    assert [line for line, (quick, whole) in zip(lines, ends, strict=True) if quick != whole] == []


@pytest.mark.parametrize(
    "sentences",
    [
        ["값이 올랐다.", "그래서 안 샀다."],
        ["지루하다..", "졸음이 쏟아졌다..", "다시는 안 본다"],
        ["국물이 시원해요.", "반찬도 좋아요.", "주차는 불편해요."],
        ["진짜 최고다!!!", "명작이다!", "꼭 읽으세요"],
        ["이게 뭐예요??", "왜 이래요?"],
        ["값을 물었다.", '"비싸요" 하고 그가 답했다.'],
        ["문을 열었다.", "『빈집』은 그렇게 시작한다."],
        ["배우가 아깝네요...", "이야기가 약해요"],
        ["맛있음.", "추천"],
        ["잘 봤습니다~", "또 올게요"],
        ["예매했다.", "3시에 만나자."],
    ],
)
def test_a_space_that_was_forgotten_is_no_obstacle(sentences: list[str]) -> None:
    assert split_sentences("".join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "“값이 올랐다.”라고 했다.",
        "그는 간다.라고 말했다.",
        "온다!하고 소리쳤다.",
        "주소는 example.com이다.",
        "높이는 2.5m이다.",
        "소설 '어제.오늘'이 나왔다.",
    ],
)
def test_a_mark_inside_a_sentence_ends_nothing_without_a_space(sentence: str) -> None:
    assert split_sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    "sentences",
    [
        # an ellipsis goes on before a verb of saying, and ends a nominal clause
        ["싫다고… 했다.", "가자고... 말했다.", "그러냐고… 생각했다."],
        ["포장도 깔끔함...", "다음에 또 살게요~~ ^^"],
        ["그 말은 못 들었고..", "나는 그냥 나왔다."],
        # reference marks belong to the sentence before
        ["그는 떠났다.[2]", "이듬해 돌아왔다.[3][4]", "다시 떠났다."],
        ["그는 떠났다[1].", "이듬해 돌아왔다[2][3].", "다시 떠났다."],
        ["그는 떠났다.¹", "이듬해 돌아왔다.²³", "다시 떠났다."],
        ["그는 떠났다.1)", "이듬해 돌아왔다2).", "다시 떠났다."],
        ["그는 떠났다.[출처 필요]", "이듬해 돌아왔다.[주 1]", "다시 떠났다."],
        ["그는 떠났다.3", "이듬해 돌아왔다. [4]", "다시 떠났다."],
        # inches, minutes, years and comparisons are not quotations
        ['화면은 32" 크기로 커졌습니다.', '그러나 70"이상은 비쌉니다.', '85"이상도 나옵니다.'],
        ["키가 6'2\" 정도다.", "몸무게는 모른다.", '신발은 12"이다.'],
        ["'80년대에는 그랬다.", "이제 '20년대는 다르다."],
        ["'97 경제 위기는 길었다.", "'02 월드컵이 왔다.", "모두 웃었다."],
        ["그는 '20대의 고민'을 썼다.", "모두 '맞다'고 했다."],
        ["기온은 a < b 이다.", "습도는 c > d 이다.", "그래서 쾌적하다."],
        ["x<3 이면 작다.", "y>5 이면 크다.", "끝이다."],
        # emoticons are neither brackets nor words
        ["너무 아쉬워요 :(", "그래도 고마워요.", "내일은 괜찮을래요 :)", "안녕히 계세요."],
        ["미쳤다 ㄷㄷ", "말도 안 돼"],
        ["보고 싶다 T_T", "언제 와"],
        ["최고다 >_<", "또 볼래"],
        ["피곤해 ㅠ_ㅠ", "자야지"],
        ["반가워요 ^_^", "또 봐요 (^^)", "안녕"],
        ["(참고: 좋다는 뜻임.)", "그는 끄덕였다."],
        # -나 보다 is one guess
        ["비가 왔나 봐요.", "우산을 챙겨야지."],
        ["벌써 다 갔나 봅니다", "저도 이제 갈게요"],
        ["아무도 없나 보다", "불이 다 꺼졌다"],
        ["하정우랑 개그가 맞나보다", "정말 재밌게 봤어요"],
        ["그런가 보다 하고 넘어갔다.", "그것은 나보다 크다."],
    ],
)
def test_what_looks_like_a_quotation_or_a_word_hides_no_end(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


FACES = "^^*|^^v|*^^*|^0^|^.^|^_^;|ㅡㅡ;|'ㅅ'|(_ _)|m(__)m|><|@_@|orz|:)|ㅠ.ㅠ|ㅎㅎ^^"


@pytest.mark.parametrize("face", FACES.split("|"))
@pytest.mark.parametrize("before", ["좋아요", "좋아요.", "좋아요!"])
@pytest.mark.parametrize("space", ["", " "])
def test_a_face_belongs_to_the_sentence_before_it(before: str, space: str, face: str) -> None:
    sentences = [before + space + face, "다음에 또 올게요"]
    assert split_sentences(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "unit", ["ㄷㅡ", "^*", "m(_", "ㅋ", "ㅋㅎ", "!", "♥ ", "ㄷ ", '"', "ㅇㅅㅇ ", "(", "[1]", ":)", "다.", "'90 "]
)
def test_the_time_is_linear_in_a_run_of_anything(unit: str) -> None:
    short, long = (min(_seconds((unit * size)[:size]) for _ in range(3)) for size in (1_000, 8_000))
    assert long < 40 * short + 0.1


def _seconds(text: str) -> float:
    started = time.perf_counter()
    split_sentences(text)
    return time.perf_counter() - started


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_a_line_break_always_ends_a_sentence(splitter: Splitter) -> None:
    assert split_sentences("작은도서관\n\n책을 빌려\n읽는다.", splitter) == ["작은도서관", "책을 빌려", "읽는다."]


def test_spans_are_offsets_into_the_text() -> None:
    text = "  첫 문장이다.  둘째 문장이다.\n\t셋째 줄 "
    assert sentence_spans(text) == [(2, 9), (11, 19), (21, 25)]
    assert [text[begin:end] for begin, end in sentence_spans(text)] == split_sentences(text)


# --- laws ------------------------------------------------------------------------------------------------------------


PIECES = st.sampled_from(
    ["오늘은 비가 온다.", "내일은 갤까?", "“그래.”", "ㅋㅋㅋ", "😂", "(서울", ")", "3.14", "1.2.3.4", "……", "a.b.com", "했다", "했어요", "!?", "'", '"', "漢字", "가나다", "다.", "요", " ", "\n", "."]
)  # fmt: skip


TEXTS = st.one_of(
    st.lists(PIECES, max_size=15).map(" ".join), st.lists(PIECES, max_size=15).map("".join), st.text(max_size=40)
)


@settings(max_examples=300)
@given(st.one_of(TEXTS, st.text(st.characters(exclude_categories=()), max_size=30)))
def test_the_fast_splitter_loses_nothing_but_spaces_of_any_text(text: str) -> None:
    spans = sentence_spans(text)
    assert all(text[begin:end].strip() == text[begin:end] != "" for begin, end in spans)
    bounds = [0, *(bound for span in spans for bound in span), len(text)]
    assert bounds == sorted(bounds)
    between = [text[bounds[number] : bounds[number + 1]] for number in range(0, len(bounds), 2)]
    assert "".join(between).strip() == ""
    assert not any(set(text[begin:end]) & set("\n\r\x0b\x0c\x85\u2028\u2029") for begin, end in spans)


@settings(max_examples=25)
@given(TEXTS)
def test_kss_loses_nothing_but_spaces_of_a_cleaned_text(raw: str) -> None:
    text = clean(raw)
    assert _bare("".join(split_sentences(text, "kss"))) == _bare(text)


@settings(max_examples=50)
@given(st.lists(PIECES, max_size=15).map(" ".join))
def test_splitting_the_sentences_line_by_line_splits_no_further_than_lines(text: str) -> None:
    sentences = split_sentences(text)
    assert [sentence.split("\n") for sentence in sentences] == [[sentence] for sentence in sentences]


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_a_very_long_line_is_cut_and_nothing_of_it_is_lost(splitter: Splitter) -> None:
    line = " ".join(f"{number}번째 문장이 이어진다." for number in range(300)) + "끝없이" * 1_000
    assert len(line) > 3 * MAX_CHARACTERS
    sentences = split_sentences(line, splitter)
    assert _bare("".join(sentences)) == _bare(line)
    assert max(map(len, sentences)) <= MAX_CHARACTERS
    assert sentences[:2] == ["0번째 문장이 이어진다.", "1번째 문장이 이어진다."]


@pytest.mark.parametrize("hostile", ["(", '"', "“(", "'\" ", ".", "ㅋ", "다 ", "다. ", "1.2.", "\x00", "\ud800"])
def test_hostile_text_takes_no_longer_than_its_length_warrants(hostile: str) -> None:
    text = hostile * (20 * MAX_CHARACTERS // len(hostile))
    assert _bare("".join(split_sentences(text))) == _bare(text)
