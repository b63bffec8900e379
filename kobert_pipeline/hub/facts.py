"""The figures of a run that the model card and the report show, read from manifests and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest

@dataclass(frozen=True)
class ScoreRow:
    """One metric of one task under one protocol, on KLUE's dev split; scores are 0 to 100."""

    protocol: str
    task: str
    metric: str
    initialisation: str
    """`pretrained`, or `random`: the same architecture fine-tuned from scratch."""
    train_rows: int
    dev_rows: int
    seeds: int
    learning_rate: float
    epochs: int
    last_mean: float
    """Of the last checkpoint, over seeds."""
    last_std: float | None
    """None with one seed."""
    best_mean: float
    """Of each seed's best checkpoint on dev: how published dev scores are picked."""
    floor: float | None
    """Of a bag of character n-grams that learned from the same rows; None where it was not asked for."""


def score_rows(klue_eval: Manifest | None) -> list[ScoreRow]:
    """Empty when the run was not evaluated. What was scored on a part of dev is no KLUE dev score, and left out."""
    if klue_eval is None:
        return []
    incomplete = {task for task, parts in klue_eval.summary.get("parts", {}).items() if "dev" in parts}
    floors = klue_eval.summary["tfidf"]
    return [
        _score_row(result, metric, values, floors.get(result["protocol"], {}).get(result["task"], {}).get(metric))
        for result in klue_eval.summary["results"]
        if result.get("split", "dev") == "dev" and result["task"] not in incomplete
        for metric, values in result["metrics"].items()
    ]


def _score_row(result: Mapping[str, Any], metric: str, values: Mapping[str, Any], floor: float | None) -> ScoreRow:
    return ScoreRow(
        protocol=result["protocol"],
        task=result["task"],
        metric=metric,
        initialisation=result["initialisation"],
        train_rows=result["train_rows"],
        dev_rows=result["dev_rows"],
        seeds=result["seeds"],
        learning_rate=result["learning_rate"],
        epochs=result["epochs"],
        last_mean=values["last_mean"],
        last_std=values["last_std"],
        best_mean=values["best_mean"],
        floor=floor,
    )


def is_sample(klue_eval: Manifest | None) -> bool:
    """Whether the scores come from the sample that ships with the project, where they mean nothing."""
    return klue_eval is not None and bool(klue_eval.summary["sample"])
