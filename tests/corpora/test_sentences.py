"""Sentence splitting: kss over MeCab, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.cleaning import clean
from corpora.sentences import MAX_CHARACTERS, _checked, _pieces, _splitter, split_sentences
from kobert_pipeline.morphology import dictionary_path


def _bare(text: str) -> str:
    return "".join(text.split())


# --- the library underneath ------------------------------------------------------------------------------------------


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
assert split_sentences("오늘은 춥다. 내일은 덜 춥겠다.") == ["오늘은 춥다.", "내일은 덜 춥겠다."]
assert "kss" in sys.modules and os.path.isfile(os.environ["MECABRC"])
assert logging.root.handlers == handlers and logging.root.level == logging.ERROR
"""


@pytest.mark.system
def test_importing_kss_prints_nothing_and_leaves_the_root_logger_alone(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MECABRC"}
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- splitting -------------------------------------------------------------------------------------------------------


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
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_line_break_always_ends_a_sentence() -> None:
    assert split_sentences("작은도서관\n\n책을 빌려\n읽는다.") == ["작은도서관", "책을 빌려", "읽는다."]


PIECES = st.sampled_from(
    ["오늘은 비가 온다.", "내일은 갤까?", "“그래.”", "ㅋㅋㅋ", "😂", "(서울", ")", "3.14", "1.2.3.4", "……", "a.b.com", "했다", "했어요", "!?", "'", '"', "漢字", "가나다", "다.", "요", " ", "\n", "."]
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(
        st.lists(PIECES, max_size=15).map(" ".join), st.lists(PIECES, max_size=15).map("".join), st.text(max_size=40)
    )
)
def test_nothing_but_spaces_is_lost(raw: str) -> None:
    text = clean(raw)
    sentences = split_sentences(text)
    assert _bare("".join(sentences)) == _bare(text)
    assert all(sentence == sentence.strip() and sentence and "\n" not in sentence for sentence in sentences)


def test_a_very_long_line_is_cut_and_nothing_of_it_is_lost() -> None:
    line = " ".join(f"{number}번째 문장이 이어진다." for number in range(300)) + "끝없이" * 1_000
    assert len(line) > 3 * MAX_CHARACTERS
    sentences = split_sentences(line)
    assert _bare("".join(sentences)) == _bare(line)
    assert max(map(len, sentences)) <= MAX_CHARACTERS
    assert sentences[:2] == ["0번째 문장이 이어진다.", "1번째 문장이 이어진다."]


# --- the pure parts --------------------------------------------------------------------------------------------------


def test_a_long_line_is_cut_after_a_sentence_else_after_a_space_else_anywhere() -> None:
    sentence, words = "가" * 900 + ".", "나" * 900
    assert [len(piece) for piece in _pieces(" ".join([sentence] * 3))] == [1_803, 901]
    assert [len(piece) for piece in _pieces(" ".join([words] * 3))] == [1_801, 900]
    assert [len(piece) for piece in _pieces("다" * 4_100)] == [2_000, 2_000, 100]


@given(st.lists(st.sampled_from(["가" * 700, "나" * 2_500, ". ", " ", "다.", "라"]), max_size=12).map("".join))
def test_pieces_are_short_enough_and_together_the_line(line: str) -> None:
    pieces = list(_pieces(line.strip()))
    assert _bare("".join(pieces)) == _bare(line)
    assert all(0 < len(piece) <= MAX_CHARACTERS for piece in pieces)


@pytest.mark.parametrize(
    ("given_back", "expected"),
    [
        (["가나.", "다라."], ["가나.", "다라."]),
        ([" 가나. ", "", "다라."], ["가나.", "다라."]),
        (["가나."], ["가나. 다라."]),
        (["다라.", "가나."], ["가나. 다라."]),
        ([], ["가나. 다라."]),
    ],
)
def test_a_piece_stays_whole_where_kss_changed_the_text(given_back: list[str], expected: list[str]) -> None:
    assert _checked("가나. 다라.", given_back) == expected
