"""The reader of an evaluation and the layout of its table, on the summary of the small run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.contents.score_table import Cell, PublishedModel, score_table, settings_rows
from kobert_pipeline.ground.contents.scores import Scores, parse_scores, scores_of
from kobert_pipeline.ground.errors import ArtifactMismatch

SMALL_RUN = Path(__file__).parents[2] / "hub" / "small_run"
PUBLISHED = (PublishedModel("one", "dev", "a paper", {("sts", "f1"): 50.0, ("ynat", "macro_f1"): 60.0}),)


@pytest.fixture
def summary() -> dict[str, Any]:
    """May be changed."""
    return json.loads(json.dumps(read_manifest(SMALL_RUN / "klue_eval").summary))


def test_the_reader_gives_the_numbers_of_the_summary(summary: dict[str, Any]) -> None:
    scores = Scores.of(read_manifest(SMALL_RUN / "klue_eval")).summary
    assert scores == parse_scores(summary)
    assert (scores.tasks, scores.sample, len(scores.results)) == (("ynat", "sts"), False, 3)
    figures = scores.results[0].metrics["macro_f1"]
    assert (figures.last_mean, figures.last_std, figures.best_mean) == (71.2345, 0.4321, 72.1111)
    assert list(scores.results[2].metrics) == ["pearson", "f1"]
    assert scores.baseline["official"]["ynat"]["macro_f1"] == 80.0123


def test_a_run_that_was_not_evaluated_has_no_scores() -> None:
    scores = scores_of(None)
    assert (scores.results, scores.sample, score_table(scores, PUBLISHED).rows) == ((), False, ())


def test_another_artifact_and_an_older_layout_are_refused(summary: dict[str, Any]) -> None:
    with pytest.raises(ArtifactMismatch, match="an artifact of the stage pretrain, not of klue_eval"):
        Scores.of(read_manifest(SMALL_RUN / "pretrain"))
    summary["results"][0]["units"] = summary["results"][0].pop("runs")
    older = dataclasses.replace(read_manifest(SMALL_RUN / "klue_eval"), summary=summary)
    with pytest.raises(ArtifactMismatch, match=r"results\.0\.runs: Field required"):
        scores_of(older)


def test_a_score_on_a_part_of_dev_or_on_other_rows_is_not_a_dev_score(summary: dict[str, Any]) -> None:
    summary["parts"] = {"ynat": {"train": [36_547, 45_678]}, "sts": {"dev": [415, 519]}}
    assert parse_scores(summary).on_dev().tasks == ("ynat",)
    for entry in summary["results"]:
        entry["split"] = "held_out" if entry["task"] == "ynat" else "dev"
    found = parse_scores({**summary, "parts": {}}).on_dev()
    assert (found.tasks, [column.metric for column in found.columns]) == (("sts",), ["pearson", "f1"])
    assert found.baseline == {"official": {}}


def test_the_table_has_our_rows_by_protocol_and_then_the_published_ones(summary: dict[str, Any]) -> None:
    summary["results"][0]["corrected"] = {
        "macro_f1": {"last_mean": 70.0, "last_std": None, "per_seed": [70.0]},
    }
    table = score_table(parse_scores(summary), PUBLISHED, model="mine")
    assert [(row.name, row.kind) for row in table.rows] == [
        ("mine", "model"),
        ("mine, best checkpoint", "model_best"),
        ("mine, corrected", "model_corrected"),
        ("same architecture, not pretrained", "random"),
        ("same architecture, not pretrained, best checkpoint", "random_best"),
        ("character TF-IDF", "baseline"),
        ("one, dev", "published"),
    ]
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells[0] == ["71.23 ± 0.43", "55.13 ± 1.25", "48.04"]
    assert cells[2] == ["70.00", "55.13 ± 1.25", "48.04"]
    assert cells[5] == ["80.01", "–", "–"]
    assert cells[6] == ["60.00", "–", "50.00"]


@pytest.mark.parametrize("part", ["held out", "a part of dev"])
def test_scores_of_a_part_of_the_rows_have_no_published_ones_beside_them(part: str, summary: dict[str, Any]) -> None:
    if part == "held out":
        summary["results"][0]["split"] = summary["results"][1]["split"] = "held_out"
    else:
        summary["parts"] = {"ynat": {"dev": [100, 9_107]}}
    row = score_table(parse_scores(summary), PUBLISHED).rows[-1]
    assert (row.split, row.source, [cell.text for cell in row.cells]) == ("dev", "a paper", ["–", "–", "50.00"])


def test_a_deviation_is_shown_for_two_seeds_or_more() -> None:
    assert [Cell(70.0).text, Cell(70.0, 0.0).text, Cell().text] == ["70.00", "70.00 ± 0.00", "–"]


def test_a_protocol_keeps_only_the_columns_in_which_it_has_scores(summary: dict[str, Any]) -> None:
    summary["protocols"]["few"] = {**summary["protocols"]["official"], "train_rows": 1000, "training": "probe"}
    summary["results"].append({**summary["results"][0], "protocol": "few"})
    table = score_table(parse_scores(summary))
    assert table.protocols == ("official", "few")
    few = table.under("few")
    assert [column.task for column in few.columns] == ["ynat"]
    assert (few.rows[0].name, few.rows[0].train_rows) == ("this model, frozen: linear probe", "1,000")


def test_settings_name_the_rows_that_were_scored(summary: dict[str, Any]) -> None:
    summary["results"][0]["split"] = "held_out"
    rows = settings_rows(parse_scores(summary))
    assert rows[0] == ("official", "YNAT", "pretrained", "45,678", "9,107 (held-out 20 %)", "3", "5e-05 × 4")
    assert rows[2][4] == "519 (dev)"
