"""MRC: windows, spans and answers; exact match and overlap as difflib finds it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, text

from klue_eval.config import task_settings
from klue_eval.data import SAMPLE, read_rows, read_split
from klue_eval.metrics import METRICS
from klue_eval.metrics.mrc_metrics import normalise, normalise_officially
from klue_eval.tasks.mrc import TASK, candidates, decode, encode, windows
from klue_eval.token_reader import Reader
from klue_eval.values import Answer
from kobert_pipeline.ground.errors import InputError

OFFICIAL, CORRECTED = METRICS["mrc"].official, METRICS["mrc"].corrected
answers_of_few_letters = text(alphabet="가나다 .《》", max_size=8)


def row_with(*answers: str) -> dict[str, Any]:
    return {"guid": "a", "answers": [{"text": answer, "answer_start": 0} for answer in answers]}


@given(answers_of_few_letters, lists(answers_of_few_letters.filter(bool), max_size=3))
@settings(max_examples=100)
def test_official_scores_are_difflibs_longest_match_and_the_best_over_answers(answer: str, gold: list[str]) -> None:
    scores = OFFICIAL([answer], [row_with(*gold)])
    said, overlaps = normalise_officially(answer), []
    for label in map(normalise_officially, gold or [""]):
        size = SequenceMatcher(None, said, label).find_longest_match(0, len(said), 0, len(label)).size
        if not label or not said:
            overlaps.append(float(said == label))
            continue
        precision, recall = size / len(said), size / len(label)
        overlaps.append(2 * precision * recall / (precision + recall) if size else 0.0)
    assert scores["rouge_w"] == pytest.approx(100 * max(overlaps))
    assert scores["exact_match"] == 100 * (said in map(normalise_officially, gold or [""]))


def test_the_official_overlap_is_of_a_substring_not_a_subsequence() -> None:
    assert OFFICIAL(["가X나X다"], [row_with("가나다")])["rouge_w"] == pytest.approx(100 * 2 / (5 + 3))


def test_korean_quotation_marks_officially_survive() -> None:
    assert normalise_officially("《달의 노래》") == "《달의 노래》"
    assert normalise("《달의 노래》") == "달의 노래"
    assert OFFICIAL(["달의 노래"], [row_with("《달의 노래》")])["exact_match"] == 0
    assert CORRECTED(["달의 노래"], [row_with("《달의 노래》")])["exact_match"] == 100


def test_case_ascii_punctuation_and_spaces_do_not_count() -> None:
    assert OFFICIAL(['  "ABC",  def. '], [row_with("abc def")]) == {"exact_match": 100.0, "rouge_w": 100.0}


def test_difflib_officially_loses_common_characters_of_long_answers() -> None:
    long = "가나" * 150
    assert OFFICIAL([f"다{long}"], [row_with(long)])["rouge_w"] == 0
    assert CORRECTED([f"다{long}"], [row_with(long)])["rouge_w"] == pytest.approx(100 * 2 * 300 / 601)


def test_an_unanswerable_questions_gold_is_the_empty_string() -> None:
    rows = [row_with(), row_with()]
    assert OFFICIAL(["", "아무"], rows) == {"exact_match": 50.0, "rouge_w": 50.0}


# --- windows and spans ------------------------------------------------------------------------------------------------


@given(integers(1, 400), integers(1, 120), integers(1, 150))
def test_windows_cover_the_context_and_overlap(length: int, room: int, stride: int) -> None:
    found = list(windows(length, room, stride))
    assert set().union(*(range(*span) for span in found)) == set(range(length))
    assert all(end - start <= room for start, end in found)
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(found))
    if room > 1:
        assert all(later[0] < earlier[1] for earlier, later in itertools.pairwise(found))


CONTEXT = "가 나 다 라 마 바 사 아 자 차 카 타"


@pytest.fixture
def reader(wordpiece: Callable[[Sequence[str]], Any]) -> Reader:
    """Room for 6 tokens of the context next to a question of one."""
    return Reader(wordpiece([*CONTEXT.split(), "?"]), 10)


def question(*answers: str) -> dict[str, Any]:
    found = [{"text": answer, "answer_start": CONTEXT.index(answer)} for answer in answers]
    return {"guid": "q", "context": CONTEXT, "question": "?", "answers": found, "is_impossible": not found}


def said_by(reader: Reader, row: dict[str, Any], spans: dict[int, tuple[int, int, float]], **over: Any) -> list[Answer]:
    """A model whose window `number` gives this score to the ends of one span (positions of the example), and 0 to [CLS]."""
    answers = []
    for number, example in enumerate(encode(row, reader, task_settings("mrc", over))):
        start, end = np.full((2, len(example.input_ids)), -9.0)
        start[0] = end[0] = 0.0
        if number in spans:
            first, last, score = spans[number]
            start[first], end[last] = score, score
        answers.append(Answer(example, {"start": start, "end": end}))
    return answers


def test_an_answer_is_learned_in_the_windows_that_contain_all_of_it(reader: Reader) -> None:
    examples = encode(question("바 사"), reader, task_settings("mrc", {"stride": 3}))
    assert [example.target for example in examples] == [(0, 0), (5, 6), (0, 0)]
    shown = [reader.tokenizer.decode(example.input_ids[3:-1]) for example in examples]
    assert shown == ["가 나 다 라 마 바", "라 마 바 사 아 자", "사 아 자 차 카 타"]


def test_an_unanswerable_question_is_a_span_at_cls(reader: Reader) -> None:
    assert {example.target for example in encode(question(), reader, TASK.defaults)} == {(0, 0)}


def test_the_best_span_of_all_windows_is_the_answer(reader: Reader) -> None:
    row = question("바 사")
    assert decode(said_by(reader, row, {0: (3, 4, 2.0), 1: (5, 6, 5.0)}, stride=3), row) == "바 사"
    assert decode(said_by(reader, row, {}, stride=3), row) == ""
    assert decode(said_by(reader, row, {1: (5, 6, -0.5)}, stride=3), row) == ""


def test_a_span_that_ends_before_it_begins_or_is_too_long_is_left_out(reader: Reader) -> None:
    row = question("바")
    assert decode(said_by(reader, row, {1: (6, 5, 5.0)}, stride=3), row) == ""
    assert decode(said_by(reader, row, {1: (5, 8, 5.0)}, stride=3, max_answer=3), row) == ""
    assert decode(said_by(reader, row, {1: (5, 8, 5.0)}, stride=3, max_answer=4), row) == "바 사 아 자"


def test_the_candidates_are_in_order_and_each_text_occurs_once(reader: Reader) -> None:
    row = question("바")
    found = candidates(said_by(reader, row, {0: (3, 3, 2.0), 1: (5, 6, 5.0)}, stride=3, n_best=5), row)
    assert [answer for _, answer in found][:2] == ["바 사", "가"]
    assert len(found) == 5
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)


def test_a_question_that_is_cut_is_counted(reader: Reader) -> None:
    row = {**question("바"), "question": "? ? ? ? ?"}
    assert all(example.truncated for example in encode(row, reader, task_settings("mrc", {"max_question": 2})))


# --- reading ----------------------------------------------------------------------------------------------------------


def article(**change: Any) -> dict[str, Any]:
    qa = {"question": "누구?", "answers": [{"text": "민서", "answer_start": 0}], "is_impossible": False, "guid": "q"}
    paragraph = {"context": "민서가 왔다.", "qas": [{**qa, **change}]}
    return {"version": "v1.1", "data": [{"title": "제목", "paragraphs": [paragraph], "source": "sample"}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (article(answers=[{"text": "민서", "answer_start": 1}]), "the answer '민서' is not at character 1 .* '서가'"),
        (article(answers=[]), "`answers` is empty, though the question is not marked"),
        (article(question=""), "`question` is ''"),
        ({"version": "v1.1"}, "the top level is neither a list of questions nor an object with `data`"),
        ({"data": [{"title": "제목"}]}, r"not laid out as the official file: KeyError\('paragraphs'\)"),
        ([3], "3 is not a row"),
    ],
)
def test_a_bad_question_is_named_by_file_and_row(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "klue-mrc_dev.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=rf"klue-mrc_dev.json, row 1: {message}"):
        read_rows("mrc", path)


def test_the_hubs_two_lists_and_the_files_objects_give_one_row() -> None:
    rows = read_split("mrc", SAMPLE, "dev").rows
    row = rows[0]
    starts = [answer["answer_start"] for answer in row["answers"]]
    hub = {**row, "answers": {"text": [answer["text"] for answer in row["answers"]], "answer_start": starts}}
    assert TASK.read(hub) == row
    assert [row["is_impossible"] for row in rows].count(True) == 2
