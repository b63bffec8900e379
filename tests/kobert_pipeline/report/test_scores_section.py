from __future__ import annotations

from dataclasses import replace
from typing import Any

from kobert_pipeline.hub.facts import ScoreRow
from page_checks import ANALYSIS

from klue_eval.published import PUBLISHED
from kobert_pipeline.report.scores import Analysis, Mark, analyses, columns, leading, panels, table

ROW = ScoreRow("official", "ynat", "macro_f1", "pretrained", 45_678, 9_107, 3, 5e-5, 4, 71.2, 0.4, 72.1, 80.0)
RANDOM = replace(ROW, initialisation="random", last_mean=61.5, last_std=None)


def test_a_run_stands_beside_itself_unpretrained_the_floor_and_published_models() -> None:
    (panel,) = panels(("mine", [ROW, RANDOM]))
    (track,) = panel.tracks
    assert track.title == "YNAT macro F1"
    kinds = [mark.kind for mark in track.marks]
    assert kinds.count("published") == len(PUBLISHED)
    assert kinds[-3:] == ["random", "floor", "model"]
    assert track.marks[-1].text == "71.20 ± 0.40"
    assert track.marks[-3].text == "61.50"


def test_two_runs_stand_beside_each_other_alone() -> None:
    (panel,) = panels(("a", [ROW, RANDOM]), ("b", [replace(ROW, last_mean=70.0, floor=None)]))
    assert [mark.kind for mark in panel.tracks[0].marks] == ["floor", "model", "other"]


def test_what_one_run_lacks_the_other_still_shows() -> None:
    (panel,) = panels(("a", [ROW]), ("b", [replace(ROW, task="nli", metric="accuracy")]))
    assert [[mark.kind for mark in track.marks] for track in panel.tracks] == [["floor", "model"], ["other"]]
    assert panels(("a", []), ("b", [])) == []


def test_error_bars_stay_on_the_scale() -> None:
    assert Mark("model", "a", 98.0, 5.0).bar == (93.0, 7.0)
    assert Mark("model", "a", 1.0, 5.0).bar == (0.0, 6.0)
    assert Mark("model", "a", 50.0).bar == (50.0, 0.0)
    assert (Mark("model", "a", -12.0, 5.0).bar, Mark("model", "a", -12.0).place) == ((0.0, 0.0), 0.0)


def test_the_table_ends_with_published_models() -> None:
    rows = table("mine", [ROW, RANDOM])
    assert [row.kind for row in rows[:4]] == ["model", "random", "floor", "published"]
    assert {row.split for row in rows if row.kind == "published"} == {"test"}
    assert [row.cells for row in rows if row.name == "KLUE-BERT-base"] == [["85.73"]]


def analysed(worst: int, **changed: Any) -> Analysis:
    return analyses({"results": [ANALYSIS | changed]}, worst=worst)[0]


def test_mistakes_are_told_by_label_and_by_length() -> None:
    found = analysed(worst=5)
    assert (found.title, found.metric) == ("NLI, official", "accuracy")
    assert found.confusion is not None
    assert (found.confusion.share(0, 1), found.confusion.share(1, 0)) == (0.25, 0.0)
    assert found.by_length == [("3–1,200", 4, 75.0)]
    assert found.worst[0].texts == ["premise: 눈이 온다.", "hypothesis: 춥다."]


def test_mistakes_of_what_was_not_pretrained_are_left_out() -> None:
    assert analyses({"results": [ANALYSIS | {"initialisation": "random"}]}, worst=5) == []


def test_rows_of_the_dataset_are_quoted_only_when_asked() -> None:
    assert analysed(worst=0).worst == []


def test_a_part_of_dev_is_named() -> None:
    assert analysed(worst=0, split="20 % of dev").title == "NLI, official, 20 % of dev"


def test_a_matrix_that_no_page_holds_is_left_out() -> None:
    large = {"labels": [str(n) for n in range(30)], "counts": [[0] * 30] * 30}
    assert analysed(worst=0, confusion=large).confusion is None
    assert analysed(worst=0, confusion=None).confusion is None


def test_metrics_stand_in_the_order_of_the_published_table() -> None:
    rows = [replace(ROW, task=task, metric=metric) for task, metric in (("x", "y"), ("sts", "f1"), ("sts", "pearson"))]
    assert columns([*rows, ROW]) == [("ynat", "macro_f1"), ("sts", "pearson"), ("sts", "f1"), ("x", "y")]


def test_each_task_leads_with_its_first_metric_under_the_last_protocol() -> None:
    sts = [replace(ROW, task="sts", metric=metric) for metric in ("f1", "pearson")]
    found = leading([*sts, ROW, replace(ROW, protocol="all rows")])
    assert [(panel.protocol, track.task, track.metric) for panel, track in found] == [
        ("all rows", "ynat", "macro_f1"),
        ("official", "sts", "pearson"),
    ]
