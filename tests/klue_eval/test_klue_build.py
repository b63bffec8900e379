"""The stage: runs are artifacts, scores follow from saved predictions, the table says what it compares."""

from __future__ import annotations

import json
import pickle
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from klue_eval import finetune as finetune_module
from klue_eval.baseline import predict
from klue_eval.build import data_files, evaluate_model, rescore
from klue_eval.comparisons import comparisons_of
from klue_eval.config import EvaluationConfig, Protocol
from klue_eval.data import SAMPLE, read_split
from klue_eval.figures import aggregate, best_checkpoint
from klue_eval.model_folders import resolve_model, untrained_identity
from klue_eval.plot import draw_scores
from klue_eval.published import COLUMNS, ON_DEV, PUBLISHED
from klue_eval.task_data import read_task
from klue_eval.tasks import KNOWN, TASKS
from kobert_pipeline.cli import app
from kobert_pipeline.ground.artifacts import lock_path, read_manifest, verify
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.contents.score_table import score_table
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.ground.parallel import ALONE, ExecutionConfig

QUICK: dict[str, Any] = {"seeds": 2, "train_rows": 16, "evaluations_per_epoch": 1}


def config_of(*tasks: str, data: str = SAMPLE, tfidf: bool = False, **protocol: Any) -> EvaluationConfig:
    return EvaluationConfig.parse(
        {
            "tasks": tasks,
            "data": data,
            "protocols": {"quick": {**QUICK, **protocol}},
            "settings": {name: {"epochs": 1} for name in tasks},
            "tfidf": tfidf,
            "precision": "32-true",
        }
    )


@pytest.mark.system
def test_kobert_eval_runs_all_eight_tasks_and_scores_them_again(tiny_bert: Path, tmp_path: Path) -> None:
    where = ["--data", SAMPLE, "--artifacts", str(tmp_path), "--workers", "1"]
    shown = CliRunner().invoke(app, ["eval", str(tiny_bert), "--seeds", "1", "--train-rows", "8", *where])
    assert shown.exit_code == 0, shown.output
    header = next(line for line in shown.output.splitlines() if line.startswith("| model"))
    assert header.count("|") == 5 + len(COLUMNS)
    assert "(published)" not in shown.output, "the scores of the sample mean nothing"
    summary = read_json(next(tmp_path.glob("klue_eval/*/scores.json")))
    assert [entry["task"] for entry in summary["results"]] == list(TASKS)
    assert {entry["task"] for entry in summary["results"] if "corrected" in entry} == {"ner", "re", "dp", "mrc", "wos"}
    analyses = read_json(next(tmp_path.glob("klue_eval/*/analysis.json")))["results"]
    assert [entry["task"] for entry in analyses] == list(TASKS)
    for entry in analyses:
        assert entry.items() >= read_json(tmp_path / "klue_runs" / entry["run"] / "analysis.json").items()
    again = CliRunner().invoke(app, ["eval", "--rescore", str(tmp_path), "--data", SAMPLE])
    entries = [json.loads(line) for line in again.output.splitlines() if line.startswith("{")]
    assert {entry["task"] for entry in entries} == set(TASKS)
    for entry in entries:
        saved = read_json(tmp_path / "klue_runs" / entry["run"] / "scores.json")["last"]
        assert {"official": entry["official"], "corrected": entry["corrected"]} == saved


def test_a_part_of_dev_is_never_called_dev(tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]) -> None:
    data = str(klue_folder(nli_dev=read_split("nli", SAMPLE, "dev").rows))
    config = config_of("nli", data=data, seeds=1, train_rows=None).model_copy(update={"held_out": ("nli",)})
    folder = evaluate_model(str(tiny_bert), config, tmp_path / "artifacts", 42)
    entry = read_json(folder / "scores.json")["results"][0]
    assert (entry["split"], entry["train_rows"], entry["dev_rows"]) == ("held_out", 19, 5)
    assert "**NLI: not a KLUE dev score.**" in (folder / "table.md").read_text()
    assert rescore(folder, data)[0]["scored"] == {"split": "held_out"}
    with pytest.raises(RecipeError, match="held_out names ner, which is not among the tasks"):
        EvaluationConfig.parse({"tasks": ["nli"], "held_out": ["ner"]})


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Lists every fine-tuning that really runs."""
    seen: list[Any] = []
    real = finetune_module.finetune

    def counted(folder: Path, trial: Any, *rows: Any) -> Any:
        seen.append((trial.task.name, trial.initialisation, trial.seed, trial.settings.learning_rate))
        return real(folder, trial, *rows)

    monkeypatch.setattr(finetune_module, "finetune", counted)
    return seen


def test_finished_runs_are_never_repeated(tiny_bert: Path, tmp_path: Path, trainings: list[Any]) -> None:
    first = evaluate_model(str(tiny_bert), config_of("nli"), tmp_path, 42)
    assert [run[2] for run in trainings] == [42, 43]
    assert evaluate_model(str(tiny_bert), config_of("nli"), tmp_path, 42) == first
    evaluate_model(str(tiny_bert), config_of("nli", "sts", seeds=3), tmp_path, 42)
    assert [run[0] for run in trainings[2:]] == ["nli", "sts", "sts", "sts"]
    shutil.rmtree(first)
    evaluate_model(str(tiny_bert), config_of("nli"), tmp_path, 42)
    assert len(trainings) == 6
    assert verify(first) == []


def test_untrained_runs_are_shared_by_checkpoints_of_one_architecture(
    tiny_bert: Path, tmp_path: Path, trainings: list[Any]
) -> None:
    config = config_of("nli", seeds=1, initialisations=["pretrained", "random"])
    other = Path(shutil.copytree(tiny_bert, tmp_path / "other"))
    (other / "notes.txt").write_text("another checkpoint")
    assert untrained_identity(other) == untrained_identity(tiny_bert)
    for model in (tiny_bert, other):
        evaluate_model(str(model), config, tmp_path / "artifacts", 42)
    assert [run[1] for run in trainings] == ["pretrained", "random", "pretrained"]


def test_the_learning_rate_is_chosen_on_other_training_rows(
    tiny_bert: Path, tmp_path: Path, trainings: list[Any]
) -> None:
    config = config_of("sts", seeds=2, selection_rows=16, learning_rates=[1e-9, 3e-3])
    folder = evaluate_model(str(tiny_bert), config, tmp_path, 42)
    result = read_json(folder / "scores.json")["results"][0]
    assert len(trainings) == 4
    assert result["learning_rate"] == trainings[2][3] == trainings[3][3]
    chosen = [read_json(run)["scored"] for run in (tmp_path / "klue_runs").glob("*/scores.json")]
    assert chosen.count({"split": "train", "of": "dev", "start": 16, "stop": 32}) == 2
    assert chosen.count({"split": "dev"}) == 2


def test_an_evaluation_waits_for_a_run_that_another_one_is_doing(tiny_bert: Path, tmp_path: Path) -> None:
    """It would end after all its training, at the baseline that both share."""
    first = config_of("nli", seeds=1, tfidf=True)
    folder = evaluate_model(str(tiny_bert), first, tmp_path / "alone", 42)
    runs = [path for path in (tmp_path / "alone" / "klue_runs").iterdir() if path.is_dir()]
    (baseline,) = (path for path in runs if "baseline" in read_manifest(path).config)
    shared = tmp_path / "both" / "klue_runs" / baseline.name
    shared.parent.mkdir(parents=True)
    begun = threading.Event()

    def other_evaluation() -> None:
        with FileLock(lock_path(shared)):
            begun.set()
            time.sleep(3)
            shutil.copytree(baseline, shared)

    other = threading.Thread(target=other_evaluation)
    other.start()
    begun.wait()
    waited = evaluate_model(str(tiny_bert), first, tmp_path / "both", 42)
    other.join()
    assert read_json(waited / "scores.json")["baseline"] == read_json(folder / "scores.json")["baseline"]
    assert not shared.with_name(f"{shared.name}.partial").exists()


def test_scores_are_computed_again_without_the_training_rows(
    tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]
) -> None:
    folder = evaluate_model(str(tiny_bert), config_of("nli", seeds=1), tmp_path / "artifacts", 42)
    dev = klue_folder(nli_dev=read_split("nli", SAMPLE, "dev").rows)
    assert rescore(folder, str(dev)) == rescore(folder, SAMPLE)


def test_the_share_of_unknown_tokens_is_in_the_scores_the_table_and_the_log(
    wordpiece: Callable[..., Any], bert_of: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = read_split("ynat", SAMPLE, "dev").rows
    words = {word for row in rows for word in re.findall(r"\w+|[^\w\s]", row["title"])}
    for name, pieces in (("all", sorted(words)), ("half", sorted(words)[::2])):
        caplog.clear()
        model = bert_of(tmp_path / name, wordpiece(pieces))
        folder = evaluate_model(str(model), config_of("ynat", seeds=1), tmp_path / "artifacts", 42)
        share = read_json(folder / "scores.json")["results"][0]["unknown_share"]["scored"]
        assert f"(dev), [UNK] {100 * share:.2f} %" in (folder / "table.md").read_text(encoding="utf-8")
        assert (share > 0.3) == (name == "half")
        assert any("of the scored rows are [UNK]" in record.message for record in caplog.records) == (name == "half")


def test_comparisons_may_go_to_other_processes() -> None:
    config = config_of(*TASKS, train_rows=None)
    data = {name: read_task(name, SAMPLE) for name in TASKS}
    comparisons = comparisons_of(config, data, 42)
    assert [comparison.task.name for comparison in pickle.loads(pickle.dumps(comparisons))] == list(TASKS)


def test_frozen_models_and_stopped_runs_are_separate_runs(tiny_bert: Path, tmp_path: Path) -> None:
    protocols = {
        "probe": {**QUICK, "training": "probe"},
        "stopped": {**QUICK, "patience": 1, "selection_rows": 8, "evaluations_per_epoch": 2},
    }
    config = config_of("nli", seeds=1).model_dump() | {"protocols": protocols}
    folder = evaluate_model(str(tiny_bert), EvaluationConfig.parse(config), tmp_path, 42)
    settings = [read_manifest(tmp_path / "klue_runs" / run).config for run in runs_of(folder)]
    assert [(run["training"], run["patience"], run["stopping_rows"]) for run in settings] == [
        ("probe", 0, 0), ("probe", 0, 0), ("finetune", 1, 8), ("finetune", 1, 8),
    ]  # fmt: skip
    assert "| **this model**, frozen: linear probe (probe) |" in (folder / "table.md").read_text()


def runs_of(folder: Path) -> list[str]:
    return [run for result in Scores(folder).summary.results for run in result.runs]


def test_kobert_eval_takes_the_protocols_of_a_recipe(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[EvaluationConfig] = []
    workers: list[int] = []

    def evaluate(
        model: str, config: EvaluationConfig, root: Path, seed: int, execution: ExecutionConfig = ALONE
    ) -> Path:
        seen.append(config)
        workers.append(execution.workers)
        raise InputError("seen enough")

    monkeypatch.setattr("klue_eval.build.evaluate_model", evaluate)
    monkeypatch.setenv("KOBERT_CORPUS", "corpus")
    CliRunner().invoke(app, ["eval", str(tiny_bert), "--recipe", "label-curves", "--data", SAMPLE, "--seeds", "2"])
    CliRunner().invoke(app, ["eval", str(tiny_bert), "--workers", "3"])
    curves, official = seen
    assert workers == [0, 3], "0: one per core"
    assert list(curves.protocols) == ["labels-100", "labels-1000", "labels-all", "probe", "features"]
    assert {protocol.seeds for protocol in curves.protocols.values()} == {2}
    assert (curves.tasks, curves.data) == (("ynat", "sts", "nli"), SAMPLE)
    assert (official.tasks, official.data, official.protocols) == (tuple(TASKS), "hub:klue", {"official": Protocol()})


def test_scores_on_a_part_of_the_released_rows_say_so(
    tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]
) -> None:
    rows = {f"nli_{split}": read_split("nli", SAMPLE, split).rows[:16] for split in ("train", "dev")}
    config = config_of("nli", data=str(klue_folder(**rows)), seeds=1)
    folder = evaluate_model(str(tiny_bert), config, tmp_path / "artifacts", 42)
    assert read_json(folder / "scores.json")["parts"] == {"nli": {"train": [16, 24_998], "dev": [16, 3_000]}}
    expected = "**NLI: the data has 16 of the 24,998 train rows and 16 of the 3,000 dev rows.** Its score is not"
    assert expected in (folder / "table.md").read_text()


@pytest.mark.parametrize(
    ("missing", "message"),
    [("tokenizer", "no tokenizer next to the model"), ("weights", "the checkpoint lacks shared.weight")],
)
def test_a_model_that_is_not_an_encoder_with_a_tokenizer_is_refused_before_data_is_read(
    missing: str, message: str, tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]
) -> None:
    model = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    if missing == "tokenizer":
        (model / "tokenizer.json").unlink()
    else:
        config = read_json(model / "config.json") | {"model_type": "bart", "is_encoder_decoder": True}
        (model / "config.json").write_text(json.dumps(config))
    broken = [{"guid": "a"}]
    data = str(klue_folder(nli_train=broken, nli_dev=broken))
    with pytest.raises(InputError, match=message):
        evaluate_model(str(model), config_of("nli", data=data), tmp_path / "artifacts", 42)


def test_a_protocol_that_needs_more_rows_than_there_are_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"protocols.quick: needs 1,000 training rows of STS .* there are 48"):
        evaluate_model(str(tiny_bert), config_of("sts", train_rows=1000), tmp_path, 42)


def test_permuted_dev_labels_change_the_score_and_nothing_else(
    tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]
) -> None:
    train, dev = (read_split("sts", SAMPLE, split).rows for split in ("train", "dev"))
    labels = [row["labels"] for row in dev]
    random.Random(0).shuffle(labels)
    permuted = [{**row, "labels": label} for row, label in zip(dev, labels, strict=True)]
    predictions, scores = [], []
    for rows in (dev, permuted):
        data = str(klue_folder(sts_train=train, sts_dev=rows))
        folder = evaluate_model(str(tiny_bert), config_of("sts", data=data, seeds=1), tmp_path / "artifacts", 42)
        result = read_json(folder / "scores.json")["results"][0]
        run = tmp_path / "artifacts" / "klue_runs" / result["runs"][0]
        predictions.append((run / "predictions.jsonl").read_text())
        scores.append(result["metrics"])
    assert predictions[0] == predictions[1]
    assert scores[0] != scores[1]


def test_scores_are_computed_again_from_saved_predictions(
    tiny_bert: Path, tmp_path: Path, klue_folder: Callable[..., Path]
) -> None:
    folder = evaluate_model(str(tiny_bert), config_of("sts", tfidf=True), tmp_path, 42)
    runs = tmp_path / "klue_runs"
    for entry in (*rescore(folder, SAMPLE), *rescore(runs, SAMPLE)):
        saved = read_json(runs / entry["run"] / "scores.json")["last"]
        assert {"official": entry["official"], "corrected": entry["corrected"]} == saved
    assert (len(rescore(folder, SAMPLE)), len(rescore(runs, SAMPLE))) == (2, 3)
    other = klue_folder(
        sts_train=read_split("sts", SAMPLE, "train").rows, sts_dev=read_split("sts", SAMPLE, "train").rows
    )
    with pytest.raises(InputError, match="predictions are for other rows"):
        rescore(folder, str(other))
    with pytest.raises(InputError, match=r"no predictions\.jsonl"):
        rescore(other, SAMPLE)


def test_the_summary_and_the_table_say_what_was_compared(tiny_bert: Path, tmp_path: Path) -> None:
    config = config_of("ynat", "sts", tfidf=True, initialisations=["pretrained", "random"])
    folder = evaluate_model(str(tiny_bert), config, tmp_path, 42)
    summary = read_json(folder / "scores.json")
    assert summary["sample"] is True
    assert [(entry["task"], entry["initialisation"]) for entry in summary["results"]] == [
        ("ynat", "pretrained"), ("ynat", "random"), ("sts", "pretrained"), ("sts", "random"),
    ]  # fmt: skip
    figures = summary["results"][0]["metrics"]["macro_f1"]
    assert len(figures["per_seed"]) == summary["results"][0]["seeds"] == 2
    assert figures["best_mean"] >= figures["last_mean"]
    assert set(summary["baseline"]["quick"]) == {"ynat", "sts"}
    table = (folder / "table.md").read_text()
    for words in (
        "These scores mean nothing",
        "| dev | 16 | 2 |",
        "TF-IDF",
    ):
        assert words in table
    assert "published" not in table.lower()
    plot = (folder / "run" / "scores.svg").read_text()
    drawn = "".join(ElementTree.fromstring(plot).itertext())
    assert "STS F1" in drawn
    assert "same architecture, not pretrained (quick)" in drawn
    assert plot == draw_scores(score_table(Scores(folder).summary, PUBLISHED), sample=True)
    assert str(tmp_path) not in table + (folder / "manifest.json").read_text()


def test_best_is_the_earliest_of_the_highest_checkpoints_and_last_the_last() -> None:
    points = [
        {"step": step, "metrics": {"accuracy": score}} for step, score in ((1, 40.0), (2, 70.0), (3, 70.0), (4, 50.0))
    ]
    task = TASKS["nli"]
    best = best_checkpoint(task, points)
    assert best["step"] == 2
    runs = [{"last": {"official": {"accuracy": score}}, "best": best} for score in (50.0, 60.0)]
    figures = aggregate(task, runs)["metrics"]["accuracy"]
    assert (figures["last_mean"], figures["last_std"], figures["best_mean"]) == (55.0, 7.0711, 70.0)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.texts])
def test_training_rows_of_one_kind_give_a_baseline(name: str) -> None:
    task, rows = TASKS[name], read_split(name, SAMPLE, "train").rows
    alike = [row for row in rows if task.gold(row) == task.gold(rows[0])]
    guesses = predict(task, alike, rows)
    assert (
        guesses == pytest.approx([task.gold(rows[0])] * len(rows))
        if name == "sts"
        else set(guesses) == {task.gold(rows[0])}
    )
    assert predict(task, rows[:1], rows[:2]) is not None


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.texts])
def test_character_ngrams_learn_the_sample(name: str) -> None:
    rows = read_split(name, SAMPLE, "train").rows
    task = TASKS[name]
    score = task.metrics.official(predict(task, rows, rows), rows)[task.primary_metric]
    assert score > 90 or (name == "sts" and score > 40)


MEANS = {
    "mBERT-base": 71.26, "XLM-R-base": 72.28, "XLM-R-large": 76.17, "KR-BERT-base": 74.67, "KoELECTRA-base": 77.34,
    "KLUE-BERT-base": 78.50, "KLUE-RoBERTa-small": 77.28, "KLUE-RoBERTa-base": 80.48, "KLUE-RoBERTa-large": 82.43,
    "KF-DeBERTa-base": 82.83,
}  # fmt: skip
"""The means of 14 scores that the source of the scores of dev prints."""


def test_published_scores_have_a_column_for_every_metric_and_the_printed_means() -> None:
    assert set(COLUMNS) == {(name, metric) for name, task in TASKS.items() for metric in task.metrics.names}
    known = {(name, metric) for name, task in KNOWN.items() for metric in task.metrics.names}
    assert all(set(model.scores) <= known and model.source for model in PUBLISHED)
    assert {model.name: pytest.approx(fmean(model.scores.values()), abs=0.006) for model in ON_DEV} == MEANS


@pytest.mark.parametrize("name", [name for name in KNOWN if KNOWN[name].sizes or name in ("nsmc", "korquad")])
def test_a_published_score_has_the_split_on_which_the_task_is_scored_or_says_test(name: str) -> None:
    for model in PUBLISHED:
        if any(task == name for task, _ in model.scores):
            assert model.split == KNOWN[name].scored_split or (name in TASKS and model.split == "test")


def test_data_files_name_both_splits_and_stay_out_of_the_fingerprint() -> None:
    config = EvaluationConfig()
    assert list(data_files(config)) == [f"{name}_{split}" for name in TASKS for split in ("train", "dev")]
    assert data_files(EvaluationConfig(data="hub:klue")) == {}
    assert "data" not in config.content()
    assert isinstance(config, Config)


@pytest.mark.parametrize(("model", "message"), [("a/b/c", "no such folder"), (".", "no config.json")])
def test_a_model_that_is_not_there_is_refused(
    model: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        resolve_model(model)


def test_importing_the_stage_imports_no_model_library() -> None:
    heavy = "{'torch', 'transformers', 'lightning', 'sklearn', 'scipy', 'numpy', 'datasets'}"
    code = f"import sys, klue_eval.build; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
