"""Error analysis: counts and groups add up, the worst rows come first, and all of it is JSON."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists

from klue_eval.analysis import WORST, analyse, by_length, by_source, confusion, grade, length_of, source_of, worst
from klue_eval.data import SAMPLE, read_split
from klue_eval.metrics.relations_metrics import LABELS
from klue_eval.tasks import TASKS, ynat

KEYS = "version task rows metrics primary_metric scores confusion by_length by_source worst"


@pytest.mark.parametrize("name", TASKS)
def test_perfect_predictions_leave_no_errors_to_show(name: str) -> None:
    task, rows = TASKS[name], read_split(name, SAMPLE, "dev").rows
    found = analyse(task, [task.gold(row) for row in rows], rows)
    assert " ".join(found) == KEYS
    assert json.loads(json.dumps(found)) == found
    assert found["worst"] == []
    assert found["scores"] == pytest.approx(dict.fromkeys(task.metrics.names, 100.0))
    assert sum(group["rows"] for group in found["by_length"]) == len(rows) == found["rows"]
    assert (found["confusion"] is None) == (name not in ("ynat", "nli", "re"))


def headlines(*labels: str) -> list[dict[str, Any]]:
    return [
        {"guid": f"y{number}", "title": "소식" * (number + 1), "label": label} for number, label in enumerate(labels)
    ]


def test_the_confusion_matrix_counts_gold_by_row_and_predictions_by_column() -> None:
    rows = headlines("정치", "정치", "스포츠")
    found = confusion(ynat.TASK, zip(["정치", "경제", "정치"], rows, strict=True))
    assert found
    assert found["labels"] == list(ynat.LABELS)
    assert [found["counts"][0][:2], found["counts"][6][0], sum(map(sum, found["counts"]))] == [[1, 1], 1, 3]


@given(lists(integers(1, 30), min_size=1, max_size=40))
def test_groups_by_length_cover_every_row_once_and_do_not_overlap(sizes: list[int]) -> None:
    rows = [{"guid": str(number), "title": "가" * size, "label": "경제"} for number, size in enumerate(sizes)]
    groups = by_length(ynat.TASK, [("경제", row) for row in rows])
    assert sum(group["rows"] for group in groups) == len(rows)
    assert [groups[0]["from"], groups[-1]["to"]] == [min(sizes), max(sizes)]
    assert all(first["to"] < second["from"] for first, second in itertools.pairwise(groups))
    assert len(groups) <= 5


def test_the_length_of_a_row_is_that_of_all_its_texts() -> None:
    row = {"guid": "s", "sentence1": "가나", "sentence2": "다라마", "labels": {"real-label": 1.0}}
    assert length_of(TASKS["sts"], row) == 5


@pytest.mark.parametrize(
    ("row", "source"),
    [
        ({"guid": "klue-ner-v1_dev_00000-wikitree"}, "wikitree"),
        ({"guid": "klue-dp-v1_dev_00000_airbnb"}, "airbnb"),
        ({"guid": "klue-re-v1_dev_00000", "source": "policy_briefing"}, "policy_briefing"),
        ({"guid": "ynat-v1_dev_00000"}, None),
    ],
)
def test_a_source_is_a_field_or_the_end_of_the_guid(row: dict[str, Any], source: str | None) -> None:
    assert source_of(row) == source


def test_scores_by_source_are_those_of_its_rows() -> None:
    rows = [{**row, "source": "ab"[number % 2]} for number, row in enumerate(headlines(*["경제"] * 4))]
    pairs = list(zip(["경제", "정치", "경제", "경제"], rows, strict=True))
    assert by_source(ynat.TASK, pairs) == [
        {"source": "a", "rows": 2, "scores": {"macro_f1": 100.0}},
        {"source": "b", "rows": 2, "scores": {"macro_f1": pytest.approx(100 / 3, abs=1e-4)}},
    ]
    assert by_source(ynat.TASK, [("경제", headlines("경제")[0])]) is None


def test_the_worst_rows_come_first_and_are_few() -> None:
    rows = headlines(*["경제"] * (WORST + 5))
    found = worst(ynat.TASK, [("경제" if number == 0 else "정치", row) for number, row in enumerate(rows)])
    assert [entry["guid"] for entry in found] == [f"y{number}" for number in range(1, WORST + 1)]
    assert found[0] == {
        "guid": "y1", "grade": 0.0, "texts": {"title": "소식소식"}, "gold": "경제", "prediction": "정치",
    }  # fmt: skip


def test_a_similarity_is_graded_by_its_distance_and_a_relation_by_its_probability() -> None:
    row = {"guid": "s", "labels": {"real-label": 4.0}}
    assert [grade(TASKS["sts"], value, row) for value in (4.0, 1.5, -9.0)] == [100, 50, 0]
    probabilities = [0.75, *[0.0] * 28, 0.25]
    assert grade(TASKS["re"], ("no_relation", probabilities), {"guid": "r", "label": LABELS[-1]}) == 25
