from __future__ import annotations

from typing import Any

from page_checks import ANALYSIS

from kobert_pipeline.report.mistakes import Analysis, analyses


def analysed(worst: int, **changed: Any) -> Analysis:
    return analyses({"results": [ANALYSIS | changed]}, worst=worst)[0]


def test_mistakes_are_shown_by_label_and_by_length() -> None:
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
