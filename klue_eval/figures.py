"""The scores of single runs -> figures for each task. Pure: everything enters as plain values."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.task import KlueTask
from kobert_pipeline.ground.contents.scores import SEEDS_WITH_SPREAD
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

METRIC_TITLES: Mapping[str, str] = {
    "macro_f1": "macro F1",
    "pearson": "Pearson r",
    "f1": "F1",
    "accuracy": "accuracy",
    "entity_f1": "entity F1",
    "character_f1": "character F1",
    "micro_f1": "micro F1",
    "auprc": "AUPRC",
    "uas": "UAS",
    "las": "LAS",
    "exact_match": "EM",
    "rouge_w": "ROUGE-W",
    "joint_goal_accuracy": "JGA",
    "slot_f1": "slot F1",
    "spearman": "Spearman rho",
}


def score(
    task: KlueTask,
    predictions: Sequence[Any],
    rows: Sequence[Mapping[str, Any]],
    official: Sequence[Any] | None = None,
) -> dict[str, dict[str, float]]:
    """Returns the `official` and the `corrected` metrics, 0 to 100. The argument `official` holds the predictions of
    the task's official decoding, if it has one. Raises InputError for a prediction that is not a number."""
    _require_numbers(task, predictions, rows)
    return {
        "official": task.metrics.official(predictions if official is None else official, rows),
        "corrected": task.metrics.corrected(predictions, rows),
    }


def _require_numbers(task: KlueTask, predictions: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """A correlation with a prediction that is not a number would be one that is."""
    for prediction, row in zip(predictions, rows, strict=True):
        if isinstance(prediction, float) and not math.isfinite(prediction):
            raise InputError(
                "{task}: the prediction of row {row} is {prediction}: the fine-tuning diverged, or the weights are not numbers. Lower the learning rate, or check the model.",
                task=task.title,
                row=row["guid"],
                prediction=prediction,
            )


def best_checkpoint(task: KlueTask, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Makes the official choice: the highest primary metric on the scored split itself, the earliest of equals."""
    return max(curve, key=lambda checkpoint: checkpoint["metrics"][task.primary_metric])


def best_trial(task: KlueTask, trials: Sequence[Mapping[str, Any]]) -> int:
    """Returns the index of the run whose last checkpoint has the highest primary metric, the first of equals."""
    scores = [trial["last"]["official"][task.primary_metric] for trial in trials]
    return scores.index(max(scores))


def aggregate(task: KlueTask, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The runs of all seeds -> official figures for each metric, and corrected ones if these can differ."""
    result = {
        "metrics": {
            name: _figures(
                [run["last"]["official"][name] for run in runs], [run["best"]["metrics"][name] for run in runs]
            )
            for name in task.metrics.names
        }
    }
    if task.metrics.corrected is not task.metrics.official:
        result["corrected"] = {
            name: _figures([run["last"]["corrected"][name] for run in runs]) for name in task.metrics.names
        }
    return result


def last_figures(task: KlueTask, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The `official` scores of all seeds -> figures for each metric."""
    return {name: _figures([run["official"][name] for run in runs]) for name in task.metrics.names}


def _figures(last: Sequence[float], best: Sequence[float] = ()) -> dict[str, Any]:
    """Mean and sample standard deviation (None for one seed) over seeds. `per_seed` lists the scores in order."""
    spread = round(statistics.stdev(last), 4) if len(last) > 1 else None
    figures: dict[str, Any] = {
        "last_mean": round(statistics.fmean(last), 4),
        "last_std": spread,
        "per_seed": [round(value, 4) for value in last],
    }
    if best:
        figures["best_mean"] = round(statistics.fmean(best), 4)
        figures["best_per_seed"] = [round(value, 4) for value in best]
    return figures


def summary_line(result: Mapping[str, Any]) -> str:
    """`klue_eval: official, YNAT, pretrained: macro F1 85.12 ± 0.21 (best checkpoint 85.40); 36,547 train rows, …`"""
    parts = []
    for name, figures in result["metrics"].items():
        spread = f" ± {figures['last_std']:.2f}" if len(figures["per_seed"]) >= SEEDS_WITH_SPREAD else ""
        last, best = f"{figures['last_mean']:.2f}{spread}", f"{figures['best_mean']:.2f}"
        parts.append(say("{metric} {last} (best checkpoint {best})", metric=METRIC_TITLES[name], last=last, best=best))
    rows = say(
        "{train:,} train rows, {seeds} seeds, {scored:,} scored rows",
        train=result["train_rows"], seeds=result["seeds"], scored=result["dev_rows"],
    )  # fmt: skip
    return f"klue_eval: {result['protocol']}, {result['title']}, {result['initialisation']}: {', '.join(parts)}; {rows}"
