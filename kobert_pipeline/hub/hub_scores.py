"""KLUE scores as the Hub reads them: in the card's front matter (`model-index`), and in `.eval_results/`."""

from __future__ import annotations

from typing import Any

import yaml

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.scores import NOT_EVALUATED, PRETRAINED, Result, Scores, ScoreSummary

DATASET_NAME = "KLUE (klue)"
DATASET_ID = "klue/klue"
SPLIT = "validation"
TASK_TYPES = {
    "ynat": "text-classification",
    "sts": "sentence-similarity",
    "nli": "text-classification",
    "ner": "token-classification",
    "re": "text-classification",
    "dp": "token-classification",
    "mrc": "question-answering",
    "wos": "text-generation",
}
"""KLUE task -> the Hub's name for that kind of task."""
METRIC_TYPES = {"macro_f1": "f1", "pearson": "pearsonr"}
"""Metric -> its identifier on the Hub, where that is another word."""


def dev_scores(artifacts: ArtifactSet) -> ScoreSummary:
    """On KLUE's dev split; without results where the run was not evaluated."""
    evaluation = artifacts.get(Scores)
    return evaluation.summary.on_dev() if evaluation else NOT_EVALUATED


def model_index(scores: ScoreSummary) -> list[Any]:
    """One `EvalResult` for each figure of the published weights, for the front matter of the card."""
    return [_eval_result(entry, metric) for entry in _published(scores) for metric in entry.metrics]


def eval_results_file(scores: ScoreSummary) -> str:
    """`.eval_results/klue.yaml`, from which the Hub's page and leaderboards read one score a task; empty without scores.

    Of several protocols the one with most training rows counts. A score of dev is no score of a leaderboard's test rows, so the
    note says what was scored and how.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    best: dict[str, Result] = {}
    for entry in _published(scores):
        if entry.task not in best or entry.train_rows > best[entry.task].train_rows:
            best[entry.task] = entry
    entries = [
        EvalResultEntry(
            dataset_id=DATASET_ID, task_id=task, value=round(next(iter(result.metrics.values())).last_mean, 2),
            notes=f"{SPLIT} split, {_setup(result, next(iter(result.metrics)))}",
        )
        for task, result in best.items()
    ]  # fmt: skip
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False) if entries else ""


def _published(scores: ScoreSummary) -> list[Result]:
    """Of the published weights on tasks of KLUE, one at a time: none for the sample, for random initialisation, and for tasks that
    were trained together."""
    return [
        entry
        for entry in scores.results
        if not scores.sample
        and entry.initialisation == PRETRAINED
        and entry.task in TASK_TYPES
        and entry.mixture is None
    ]


def _setup(result: Result, metric: str) -> str:
    return f"{metric}, {result.protocol} protocol, {result.train_rows:,} training rows, last checkpoint, mean over seeds ({result.seeds})"


def _eval_result(result: Result, metric: str) -> Any:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type=TASK_TYPES[result.task],
        task_name=f"KLUE {result.task.upper()}",
        dataset_type=DATASET_ID,
        dataset_name=DATASET_NAME,
        dataset_config=result.task,
        dataset_split=SPLIT,
        metric_type=METRIC_TYPES.get(metric, metric),
        metric_name=_setup(result, metric),
        metric_value=round(result.metrics[metric].last_mean, 2),
    )
