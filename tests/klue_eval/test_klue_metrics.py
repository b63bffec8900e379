"""Reference: the scores equal those of scikit-learn and scipy, called like in KLUE's released code."""

from __future__ import annotations

import ast
import inspect
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats, integers, lists, sampled_from, tuples
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score, f1_score

import klue_eval
from klue_eval.config import task_settings
from klue_eval.data import SAMPLE, read_split
from klue_eval.figures import METRIC_TITLES, score
from klue_eval.heads import HEADS
from klue_eval.metrics import METRICS
from klue_eval.published import COLUMNS
from klue_eval.task import KlueTask
from klue_eval.tasks import KNOWN, TASKS, find_task, nli, ynat
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError

pairs_of_topics = lists(tuples(sampled_from(ynat.LABELS), sampled_from(ynat.LABELS)), min_size=1, max_size=60)
pairs_of_relations = lists(tuples(sampled_from(nli.LABELS), sampled_from(nli.LABELS)), min_size=1, max_size=60)
similarities = lists(tuples(floats(-1, 6), integers(0, 35)), min_size=2, max_size=60)


@given(pairs_of_topics)
@settings(max_examples=60)
def test_macro_f1_of_ynat_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    predictions, labels = zip(*pairs, strict=True)
    score = METRICS["ynat"].official(predictions, [{"label": label} for label in labels])["macro_f1"]
    assert score == pytest.approx(100 * f1_score(labels, predictions, average="macro"))


@given(pairs_of_relations)
@settings(max_examples=60)
def test_accuracy_of_nli_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    predictions, labels = zip(*pairs, strict=True)
    score = METRICS["nli"].official(predictions, [{"gold_label": label} for label in labels])["accuracy"]
    assert score == pytest.approx(100 * accuracy_score(labels, predictions))


@given(similarities)
@settings(max_examples=60)
def test_scores_of_sts_equal_scipy_and_scikit_learn(pairs: list[tuple[float, int]]) -> None:
    predictions, labels = [pair[0] for pair in pairs], [pair[1] / 7 for pair in pairs]
    scores = METRICS["sts"].official(predictions, [{"labels": {"real-label": label}} for label in labels])
    if np.std(predictions) > 1e-6 and np.std(labels) > 1e-6:
        assert scores["pearson"] == pytest.approx(100 * pearsonr(predictions, labels)[0], abs=1e-6)
    similar = [value >= 3 for value in labels]
    expected = f1_score(similar, [value >= 3 for value in predictions], average="binary", zero_division=0)
    assert scores["f1"] == pytest.approx(100 * expected)


def test_a_constant_prediction_correlates_with_nothing() -> None:
    rows = [{"labels": {"real-label": value}} for value in (0.0, 2.5, 5.0)]
    assert METRICS["sts"].official([1.0, 1.0, 1.0], rows)["pearson"] == 0.0


CEILINGS = {("re", "auprc"): (8 * 100 + 22 * 50) / 30}
"""Official scores of perfect predictions on the sample's dev that are not 100: 22 relations do not occur there."""


@pytest.mark.parametrize("name", METRICS)
def test_perfect_predictions_score_100_or_the_official_ceiling(name: str) -> None:
    rows = read_split(name, SAMPLE, "dev").rows
    gold = [TASKS[name].gold(row) for row in rows]
    official, corrected = METRICS[name].official(gold, rows), METRICS[name].corrected(gold, rows)
    assert tuple(official) == tuple(corrected) == METRICS[name].names
    assert all(math.isclose(score, 100) for score in corrected.values())
    assert official == pytest.approx({metric: CEILINGS.get((name, metric), 100.0) for metric in official})


@pytest.mark.parametrize("name", METRICS)
def test_predictions_may_come_back_from_json(name: str) -> None:
    rows = read_split(name, SAMPLE, "dev").rows
    gold = [TASKS[name].gold(row) for row in rows]
    shifted = gold if name in ("ner", "dp", "wos") else gold[-1:] + gold[:-1]
    for arithmetic in (METRICS[name].official, METRICS[name].corrected):
        assert arithmetic(json.loads(json.dumps(shifted)), rows) == arithmetic(shifted, rows)


@pytest.mark.parametrize("name", METRICS)
def test_every_row_needs_a_prediction(name: str) -> None:
    rows = read_split(name, SAMPLE, "dev").rows
    gold = [TASKS[name].gold(row) for row in rows]
    for arithmetic in (METRICS[name].official, METRICS[name].corrected):
        with pytest.raises(ValueError, match=rf"{len(rows) - 1} predictions for {len(rows)}"):
            arithmetic(gold[1:], rows)


def test_a_missing_prediction_is_refused() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 labels"):
        METRICS["nli"].official(["neutral"], [{"gold_label": "neutral"}] * 2)


def test_every_task_has_metrics_and_names_one_of_them_as_primary() -> None:
    assert set(TASKS) == set(METRICS)
    assert all(task.primary_metric in task.metrics.names for task in TASKS.values())


@pytest.mark.parametrize("task", KNOWN.values(), ids=KNOWN)
def test_every_task_keeps_its_contract(task: KlueTask) -> None:
    """A new entry of TASKS or OTHERS is tested by being there."""
    assert KNOWN[task.name] is task is find_task(task.name)
    assert task.head in HEADS
    assert task.primary_metric in task.metrics.names
    assert set(task.metrics.names) <= set(METRIC_TITLES)
    assert task.defaults.max_length > 8
    assert task_settings(task.name, {"epochs": 1}).epochs == 1
    module = inspect.getmodule(task.read)
    assert module is not None
    assert module.__name__.startswith("klue_eval.tasks.")
    assert module.TASK is task


@pytest.mark.parametrize("name", TASKS)
def test_a_row_of_the_sample_takes_the_whole_road_of_its_task(name: str, tokenizer: Any) -> None:
    """Read, shown, encoded, collated, and its gold labels scored."""
    task, row = TASKS[name], read_split(name, SAMPLE, "dev").rows[0]
    reader = Reader(tokenizer, task.defaults.max_length)
    examples = task.encode(row, reader, task.defaults)
    assert examples
    assert all(len(example.input_ids) == len(example.token_type_ids) <= reader.max_length for example in examples)
    assert HEADS[task.head].collate(examples)
    assert all(text.strip() for text in task.show(row).values())
    assert set(task.metrics.official([task.gold(row)], [row])) == set(task.metrics.names)
    assert set(COLUMNS) >= {(name, metric) for metric in task.metrics.names}


def test_the_metrics_of_a_task_are_in_the_file_named_after_it() -> None:
    folder = Path(str(klue_eval.__file__)).parent
    shared = {"__init__", "arithmetic", "label_accuracy", "label_f1", "metric", "row_values"}
    files = {path.stem for path in (folder / "metrics").glob("*.py")} - shared
    labelled = {"__init__", "choices", "kobest", "labelled"} | {
        "nsmc",
        "movie_reviews",
        "kornli",
        "kornli_snli",
        "xnli",
        "pawsx",
    }
    kobest = {"boolq", "copa", "hellaswag", "sentineg", "wic"}
    tasks = {path.stem for path in (folder / "tasks").glob("*.py")} - labelled - kobest
    assert files == {f"{name}_metrics" for name in (*tasks, "own")}


def test_no_file_name_occurs_twice() -> None:
    names = [path.name for path in Path(str(klue_eval.__file__)).parent.rglob("*.py") if path.stem != "__init__"]
    assert len(names) == len(set(names))


def test_the_reference_libraries_are_needed_by_tests_alone() -> None:
    """The metrics are our own arithmetic. seqeval is a development dependency."""
    imported = set()
    for path in Path(str(klue_eval.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    assert "seqeval" not in imported
    assert {"sklearn", "scipy"} <= imported  # of the baseline


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["sts", "korsts"])
def test_a_prediction_that_is_not_a_number_names_its_row_and_gets_no_score(name, value):
    task = find_task(name)
    rows = [
        {"guid": f"row-{number}", "labels": {"real-label": float(number), "binary-label": 0}} for number in range(4)
    ]
    with pytest.raises(InputError, match=f"row row-2 is {value}"):
        score(task, [0.0, 1.0, value, 3.0], rows)
