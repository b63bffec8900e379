"""Intervals and p-values: drawn rows score as the metric scores them, and 95 % intervals cover in 95 % of cases."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from klue_eval.bootstrap import SCORES, Difference, difference, interval
from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE, read_split
from klue_eval.metrics.row_values import RowValues, numbers
from klue_eval.row_scores import ROWS, load_rows, row_scores, save_rows
from klue_eval.significance import compared, difference_of
from klue_eval.tasks import TASKS
from klue_eval.tasks.nsmc import TASK as NSMC
from kobert_pipeline.api import OpenRun
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.report.compare import write_comparison
from kobert_pipeline.report.page import render


def guesses(name: str, rows: list[Any], rng: random.Random) -> list[Any]:
    """Half of the rows right; the others have labels of the right form."""
    task = TASKS[name]
    gold = [task.gold(row) for row in rows]
    if name == "sts":
        return [value + rng.gauss(0, 1) for value in gold]
    if name == "ner":
        return [labels if rng.random() < 0.5 else rng.choices(task.labels, k=len(labels)) for labels in gold]
    if name == "dp":
        arcs = [arc for row in gold for arc in row]
        return [row if rng.random() < 0.5 else [rng.choice(arcs) for _ in row] for row in gold]
    if name == "wos":
        return [[state if rng.random() < 0.5 else rng.choice(turns) for state in turns] for turns in gold]
    return [value if rng.random() < 0.5 else rng.choice(gold) for value in gold]


@pytest.mark.parametrize("name", TASKS)
def test_drawn_rows_score_as_the_official_metric_scores_them(name: str) -> None:
    rng, rows = random.Random(name), read_split(name, SAMPLE, "dev").rows
    predictions = guesses(name, rows, rng)
    values = row_scores(TASKS[name], predictions, rows)
    assert set(values) == set(TASKS[name].metrics.names) - {"auprc"}, "a curve is no sum over rows"
    for _ in range(5):
        drawn = rng.choices(range(len(rows)), k=len(rows))
        expected = TASKS[name].metrics.official(
            [predictions[place] for place in drawn], [rows[place] for place in drawn]
        )
        weights = np.bincount(drawn, minlength=len(rows)).astype(float)[None, :]
        found = {metric: SCORES[entry.kind](weights, np.array(entry.rows))[0] for metric, entry in values.items()}
        assert found == pytest.approx({metric: expected[metric] for metric in values}, abs=1e-9)


def test_drawn_ranks_equal_scipy() -> None:
    rng = random.Random(0)
    pairs = np.array([(rng.randint(0, 5), rng.randint(0, 5)) for _ in range(40)], dtype=float)
    weights = np.array([[rng.randint(0, 3) for _ in pairs] for _ in range(4)], dtype=float)
    expected = [100 * spearmanr(*np.repeat(pairs, row.astype(int), axis=0).T)[0] for row in weights]
    assert SCORES["spearman"](weights, pairs) == pytest.approx(expected)
    constant = numbers("spearman", [1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    assert interval([constant]).value == 0


TRIALS, TRUE_DIFFERENCE = 200, 1.5


def simulated(seeds: tuple[int, int], of_seed: float, of_row: float, of_both: float, key: int) -> Difference:
    """Two models on 50 rows, of which some are hard for both. A score varies with the seed, the row, and both together."""
    generator = np.random.default_rng(key)
    hard = generator.normal(0, 3, 50)
    runs = []
    for count, mean in zip(seeds, (50.0, 50.0 + TRUE_DIFFERENCE), strict=True):
        points = mean + hard + generator.normal(0, of_row, 50)
        of_seeds = points + generator.normal(0, of_seed, (count, 1)) + generator.normal(0, of_both, (count, 50))
        runs.append([RowValues("mean", [(value, 1) for value in run]) for run in of_seeds])
    return difference(*runs, resamples=499, seed=key)


@pytest.mark.parametrize(
    ("seeds", "of_seed", "of_row", "of_both"),
    [
        ((1, 1), 0.0, 1.0, 0.0),
        ((3, 3), 0.0, 1.0, 1.0),
        ((3, 3), 1.0, 1.0, 1.0),
        ((3, 3), 2.0, 0.5, 0.5),
        ((3, 5), 0.5, 1.0, 1.0),
    ],
    ids=["rows", "rows and chance", "rows and seeds", "seeds", "other numbers of seeds"],
)
def test_the_interval_covers_the_true_difference_as_often_as_it_says(
    seeds: tuple[int, int], of_seed: float, of_row: float, of_both: float
) -> None:
    found = [simulated(seeds, of_seed, of_row, of_both, key) for key in range(TRIALS)]
    covered = np.mean([entry.low <= TRUE_DIFFERENCE <= entry.high for entry in found])
    assert 0.915 <= covered <= 0.99, "0.95, up to 2.3 standard errors of 200 trials; few seeds make it a little wide"
    assert all((entry.p < 0.05) == (not entry.low <= 0 <= entry.high) for entry in found)


def test_one_seed_of_each_says_nothing_of_other_seeds_and_three_do() -> None:
    rows = [RowValues("mean", [(60.0 + shift, 1)] * 20) for shift in (0.0, 1.0, 5.0)]
    assert interval(rows[:1]).low == interval(rows[:1]).high == 60
    three = interval(rows)
    assert three.low < 60 < 65 < three.high, "Student's t with 2 degrees of freedom: 62 ± 4.30 · 2.65 / √3"
    assert three.high - three.low == pytest.approx(2 * 4.303 * np.sqrt(7 / 3), rel=0.1)


def test_equal_runs_do_not_differ() -> None:
    values = [RowValues("mean", [(float(place % 2), 1) for place in range(30)])]
    same = difference(values, values)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert difference(values, values) == same, "no chance from outside"


# --- two evaluations --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluations(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Scores]:
    root = tmp_path_factory.mktemp("evaluations")

    def evaluate(data: str = SAMPLE, **protocol: Any) -> Scores:
        settings = {"tasks": ["nli"], "data": data, "tfidf": False, "precision": "32-true"}
        protocols = {"official": {"seeds": 1, "train_rows": 16, "evaluations_per_epoch": 0, **protocol}}
        config = EvaluationConfig.parse(settings | {"protocols": protocols, "settings": {"nli": {"epochs": 1}}})
        return Scores(evaluate_model(str(tiny_bert), config, root, 42))

    return evaluate


def test_two_evaluations_are_compared_by_their_artifacts_alone(
    evaluations: Callable[..., Scores], tmp_path: Path
) -> None:
    left, right = evaluations(), evaluations(train_rows=24)
    (found,) = compared(left, right)
    assert (found.title, found.seeds, found.refused) == ("NLI accuracy", (1, 1), None)
    assert found.difference is not None
    assert found.difference.value == pytest.approx(found.values[1] - found.values[0], abs=1e-3)
    (shown,) = write_comparison(
        tmp_path / "both.html", ("one", "other"), ({"klue_eval": left.folder}, {"klue_eval": right.folder})
    )
    assert shown.line.startswith(f"NLI accuracy, official: {shown.difference} ({shown.interval}), p = ")
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("Is the difference real?", shown.interval, shown.made_of))
    runs = [OpenRun(name, {"klue_eval": side.folder}) for name, side in (("one", left), ("other", right))]
    frame = runs[0].compare(runs[1])
    assert (frame["p"][0], frame["low"][0]) == (found.difference.p, found.difference.low)
    figures = left.summary.results[0].metrics["accuracy"]
    assert figures.interval is not None
    assert figures.interval[0] <= figures.last_mean <= figures.interval[1]
    assert tuple(runs[0].scores()[["low", "high"]].iloc[0]) == figures.interval
    table = (left.folder / "table.md").read_text(encoding="utf-8")
    assert "| {:.2f} to {:.2f} |".format(*figures.interval) in table


def test_the_page_shows_calibration_and_what_the_runs_took(evaluations: Callable[..., Scores]) -> None:
    evaluation = evaluations()
    (result,), (cost,) = evaluation.summary.results, evaluation.costs
    assert result.calibration["accuracy"] == pytest.approx(result.metrics["accuracy"].last_mean, abs=1e-3)
    assert 0 <= result.calibration["ece"] <= 100
    assert min(cost.seconds, cost.train_rows_per_second, cost.scored_rows_per_second, cost.peak_mib) > 0
    page = render("one", ArtifactSet.read({"klue_eval": evaluation.folder}))
    assert all(
        f'<summary><span class="en">{heading}</span>' in page for heading in ("Intervals", "Calibration", "Cost")
    )
    assert f">{cost.peak_mib:,.0f}<" in page
    (evaluation.folder / "run" / "costs.json").write_text('{"results": [{}]}')
    assert Scores(evaluation.folder).costs == (), "a damaged record hides itself alone"


def test_runs_on_other_rows_are_refused_by_name(evaluations: Callable[..., Scores], klue_folder: Any) -> None:
    rows = {split: read_split("nli", SAMPLE, split).rows for split in ("train", "dev")}
    swapped = [dict(rows["dev"][0], hypothesis="다른 문장이다."), *rows["dev"][1:]]
    other = evaluations(str(klue_folder(nli_train=rows["train"], nli_dev=swapped)))
    reason = rf"NLI: not compared, because the runs scored different rows \({len(swapped)} of dev and {len(swapped)} of dev\)"
    with pytest.raises(InputError, match=reason):
        difference_of(evaluations(), other, "nli", "accuracy")
    (found,) = compared(evaluations(), other)
    assert found.difference is None
    english, korean = found.refused or ("", "")
    assert "different rows" in english
    assert "달라" in korean
    with pytest.raises(InputError, match="no accuracy of ynat under the protocol official"):
        difference_of(evaluations(), other, "ynat", "accuracy")


def test_the_file_of_rows_is_read_back_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    rows = {"0-0": {"accuracy": NSMC.metrics.by_row(["1", "0"], [{"label": "1"}, {"label": "1"}])["accuracy"]}}  # type: ignore[misc]
    save_rows(tmp_path / ROWS, rows)
    before = (tmp_path / ROWS).read_bytes()
    found = load_rows(tmp_path / ROWS)["0-0"]["accuracy"]
    assert (found.kind, np.asarray(found.rows).tolist()) == ("mean", [[100.0, 1.0], [0.0, 1.0]])
    save_rows(tmp_path / ROWS, rows)
    assert (tmp_path / ROWS).read_bytes() == before
    (tmp_path / ROWS).write_bytes(before[:-30])
    with pytest.raises(ArtifactMismatch, match="cannot be read"):
        load_rows(tmp_path / ROWS)
