from __future__ import annotations

import dataclasses

import pytest

from klue_eval.published import PUBLISHED
from kobert_pipeline.ground.contents.score_table import Cell, ScoreRow, ScoreTable, score_table
from kobert_pipeline.ground.contents.scores import Column, Figures, ProtocolSettings, Result, ScoreSummary
from kobert_pipeline.report.score_tracks import Mark, leading, panels

YNAT, NLI = Column("ynat", "macro_f1", "YNAT macro F1"), Column("nli", "accuracy", "NLI accuracy")
STS = [Column("sts", metric, f"STS {metric}") for metric in ("f1", "pearson")]


def result(column: Column, mean: float, std: float | None = None, initialisation: str = "pretrained") -> Result:
    figures = {column.metric: Figures(mean, std, (mean,) * (1 if std is None else 3), mean)}
    return Result(
        "official", column.task, column.task.upper(), initialisation, "dev", 45_678, 9_107, 3, 5e-5, 4, {}, {}, 0, (), figures
    )  # fmt: skip


def scores(*results: Result, baseline: float | None = None) -> ScoreSummary:
    protocols = {"official": ProtocolSettings(None, 3, ("pretrained", "random"), "finetune")}
    columns = tuple(column for column in (YNAT, NLI) if column.task in {entry.task for entry in results})
    found = {} if baseline is None else {"official": {"ynat": {"macro_f1": baseline}}}
    return ScoreSummary("KLUE files", False, columns, protocols, results, found, {}, {})


MINE = scores(result(YNAT, 71.2, 0.4), result(YNAT, 61.5, initialisation="random"), baseline=80.0)


def test_a_run_is_drawn_with_the_random_model_the_baseline_and_published_models() -> None:
    (panel,) = panels(score_table(MINE, PUBLISHED, "mine"))
    (track,) = panel.tracks
    assert (panel.train_rows, panel.seeds, track.title) == ("all", "3", "YNAT macro F1")
    kinds = [mark.kind for mark in track.marks]
    assert kinds.count("published") == len([model for model in PUBLISHED if ("ynat", "macro_f1") in model.scores])
    assert kinds[-3:] == ["random", "baseline", "model"]
    assert track.marks[-1].text == "71.20 ± 0.40"
    assert track.marks[-3].text == "61.50"


def test_two_runs_are_drawn_together_without_the_others() -> None:
    (panel,) = panels(score_table(MINE, model="a"), score_table(scores(result(YNAT, 70.0)), model="b"))
    assert [(mark.kind, mark.name) for mark in panel.tracks[0].marks] == [
        ("baseline", "character TF-IDF"), ("model", "a"), ("other", "b"),
    ]  # fmt: skip


def test_what_one_run_lacks_the_other_still_shows() -> None:
    second = score_table(scores(result(NLI, 50.0)), model="b")
    (panel,) = panels(score_table(MINE, model="a"), second)
    assert [[mark.kind for mark in track.marks] for track in panel.tracks] == [["baseline", "model"], ["other"]]
    assert panels(ScoreTable((), ()), ScoreTable((), ())) == []


def test_error_bars_stay_on_the_scale() -> None:
    assert Mark("model", "a", 98.0, 5.0).bar == (93.0, 7.0)
    assert Mark("model", "a", 1.0, 5.0).bar == (0.0, 6.0)
    assert Mark("model", "a", 50.0).bar == (50.0, 0.0)
    assert (Mark("model", "a", -12.0, 5.0).bar, Mark("model", "a", -12.0).place) == ((0.0, 0.0), 0.0)


def rows(protocol: str, columns: list[Column], *scored: Column) -> ScoreRow:
    cells = tuple(Cell(50.0 if column in scored else None) for column in columns)
    return ScoreRow("mine", "model", protocol, "dev", "all", "3", "finetune", cells)


def test_metrics_are_in_the_order_of_the_published_table() -> None:
    columns = [Column("x", "y", "X y"), *STS, YNAT]
    (panel,) = panels(ScoreTable(tuple(columns), (rows("official", columns, *columns),)))
    assert [track.column.metric for track in panel.tracks] == ["macro_f1", "pearson", "f1", "y"]


def test_each_task_leads_with_its_first_metric_under_the_last_protocol() -> None:
    columns = [*STS, YNAT]
    table = ScoreTable(tuple(columns), (rows("official", columns, *columns), rows("all rows", columns, YNAT)))
    assert [(panel.protocol, track.column.task, track.column.metric) for panel, track in leading(table)] == [
        ("all rows", "ynat", "macro_f1"),
        ("official", "sts", "pearson"),
    ]


@pytest.mark.parametrize(("seeds", "text"), [(1, "71.20"), (2, "71.20"), (3, "71.20 ± 61.60"), (5, "71.20 ± 61.60")])
def test_a_deviation_is_shown_from_three_seeds_on(seeds: int, text: str) -> None:
    figures = Figures(71.2, 61.6, (71.2,) * seeds, 71.2)
    found = scores(dataclasses.replace(result(YNAT, 71.2), metrics={"macro_f1": figures}))
    assert score_table(found).rows[0].cells[0].text == text


def test_scores_of_the_sample_are_not_set_beside_published_models() -> None:
    sample = dataclasses.replace(MINE, sample=True)
    assert {row.kind for row in score_table(sample, PUBLISHED).rows} == {"model", "model_best", "random", "random_best", "baseline"}  # fmt: skip
