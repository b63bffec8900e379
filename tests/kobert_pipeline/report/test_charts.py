from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from kobert_pipeline.ground.contents.pretrained_run import Chance, Figure, PretrainedSummary
from kobert_pipeline.report import pretraining
from kobert_pipeline.report.charts import (
    MOST_POINTS,
    REFERENCE,
    TRAIN,
    VALIDATION,
    Line,
    Rows,
    histogram,
    line_chart,
    short,
    thinned,
)
from kobert_pipeline.report.curves import Course, both, charts


def rows(count: int) -> list[dict[str, float]]:
    return [{"step": float(step), "tokens": 9.0 * step, "learning_rate": 1e-3, "loss": 5.0} for step in range(count)]


LOSS = Figure("loss", "Loss", "nats", None, -1)
ACCURACY = Figure("accuracy", "Predicted right", "share", None, 1)
PAIRS = Figure("pairs", "Pairs predicted right", "share", 0.5, 1)


def course(
    name: str, curve: Rows, validation: Rows, chance: float = 6.0, speed: Rows = (), figures: tuple[Figure, ...] = (LOSS, ACCURACY, PAIRS)
) -> Course:  # fmt: skip
    summary = PretrainedSummary(
        "an_objective", "bert", "a_use", 1, 1, 1, 1, 6.0, figures[0].name, Chance(chance, "unigram entropy"), figures, tuple(validation),
    )  # fmt: skip
    return Course(name, summary, curve, speed)


def test_a_short_curve_is_not_thinned() -> None:
    assert thinned(rows(MOST_POINTS)) == rows(MOST_POINTS)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    kept = thinned(rows(123_457))
    assert MOST_POINTS / 2 < len(kept) <= MOST_POINTS + 1
    assert (kept[0]["step"], kept[-1]["step"]) == (0, 123_456)


def test_a_curve_of_many_rows_stays_small() -> None:
    run = course("long", rows(200_000), [{"step": 0.0, "loss": 5.0}])
    assert all(len(chart.svg) + len(chart.frame) < 100_000 for chart in charts(run))


def test_a_chart_follows_light_and_dark_and_keeps_its_text() -> None:
    chart = line_chart("Loss", [Line("training", TRAIN, [(0, 8.0), (20, 6.5)])])
    assert "var(--train)" in chart.svg
    assert re.findall(r"#0[0-9]0[0-9]0[0-9]", chart.svg) == []
    assert ">step<" in chart.svg


def test_lines_without_points_are_in_neither_chart_nor_key() -> None:
    chart = line_chart("Loss", [Line("training", TRAIN, []), Line("validation", VALIDATION, [(0, 8.0)], marked=True)])
    assert [line.name for line in chart.lines] == ["validation"]


def test_what_the_script_reads_lies_within_the_drawing() -> None:
    frame = json.loads(line_chart("Loss", [Line("가", TRAIN, [(0, 8.0), (20, 6.5)])]).frame)
    left, right, top, bottom = frame["box"]
    assert 0 < left < right < 375
    assert 0 < top < bottom < 217
    low, high, *_ = frame["limits"]
    assert low <= 0 < 20 <= high
    assert frame["lines"][0] == {
        "name": ["가", "가"],
        "colour": "var(--train)",
        "level": False,
        "points": [[0.0, 8.0], [20.0, 6.5]],
    }


def test_a_level_alone_is_no_chart() -> None:
    validation = [{"step": 0.0, "loss": 8.0, "accuracy": 0.1}]
    titles = [chart.title for chart in charts(course("short", [], validation))]
    assert titles == ["Loss, nats", "Predicted right"]


def test_every_curve_that_was_logged_is_drawn() -> None:
    validation = [{"step": 0.0, "loss": 8.0, "accuracy": 0.1, "pairs": 0.5}]
    speed = [{"step": 20.0, "tokens_per_second": 5_000.0, "mfu": 0.3}]
    titles = [chart.title for chart in charts(course("run", rows(3), validation, speed=speed))]
    assert "Pairs predicted right" in titles
    assert titles[-3:] == ["Learning rate", "Tokens per second", "Share of the hardware's peak (MFU)"]


def test_two_runs_share_their_charts_and_one_entropy_is_drawn_once() -> None:
    validation = [{"step": 0.0, "tokens": 0.0, "loss": 8.0}]
    chart = both([course("a", rows(3), validation), course("b", rows(3), validation)])[0]
    assert [line.name for line in chart.lines] == [
        "a, training", "b, training", "a, validation", "b, validation", "unigram entropy",
    ]  # fmt: skip
    apart = both([course("a", rows(3), validation), course("b", rows(3), validation, 7.0)])[0]
    assert [line.name for line in apart.lines if line.dashed] == ["a, unigram entropy", "b, unigram entropy"]
    assert apart.lines[-1].colour != REFERENCE


def test_a_simple_model_is_a_level_next_to_chance_and_is_shared_by_runs_on_the_same_text() -> None:
    validation = [{"step": 0.0, "tokens": 0.0, "loss": 8.0}]
    one, other = (course(name, rows(3), validation) for name in "ab")
    one, alike = (
        replace(run, summary=replace(run.summary, baseline=Chance(3.2, "5-gram loss"))) for run in (one, other)
    )
    assert [line.name for line in charts(one)[0].lines if line.dashed] == ["unigram entropy", "5-gram loss"]
    assert [line.name for line in both([one, alike])[0].lines if line.dashed] == ["unigram entropy", "5-gram loss"]
    assert [line.name for line in both([one, other])[0].lines if line.dashed] == ["unigram entropy", "a, 5-gram loss"]
    assert ("5-gram loss, nats", "", "3.200") in pretraining.figures(one.summary)


def test_a_figure_that_one_run_has_is_drawn_for_it_alone() -> None:
    left = course("a", rows(3), [{"step": 0.0, "tokens": 0.0, "loss": 8.0}])
    right = course("b", [], [{"step": 0.0, "tokens": 0.0, "accuracy": 0.5}], figures=(ACCURACY,))
    found = {chart.title: [line.name for line in chart.lines] for chart in both([left, right])}
    assert found["Loss, nats"] == ["a, training", "a, validation", "unigram entropy"]
    assert found["Predicted right"] == ["b, validation", "unigram entropy"]


def test_a_histogram_of_nothing_is_drawn() -> None:
    assert "<svg" in histogram("Length", ["0", "10"], [0.0, 0.0], "characters").svg


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0005, "0.0005"), (7.5, "7.5"), (0, "0"), (4_000, "4,000"), (2_500_000, "2.5 M"), (3e9, "3 G")],
)
def test_numbers_on_an_axis_are_short(value: float, text: str) -> None:
    assert short(value) == text
