"""What the KLUE evaluation found: the one reader of its summary.

Scores are on the scale of 0 to 100. Everything that shows a score (the Markdown table, the model card, the page) starts
from `Scores`; `score_table.py` lays them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest, read_manifest
from kobert_pipeline.ground.errors import ArtifactMismatch

STAGE = "klue_eval"
DEV = "dev"
PRETRAINED, RANDOM = "pretrained", "random"


@dataclass(frozen=True)
class Column:
    """A metric of a task."""

    task: str
    metric: str
    title: str
    """`YNAT macro F1`, for people."""


@dataclass(frozen=True)
class Figures:
    """One metric over the seeds of a result."""

    last_mean: float
    """Of the last checkpoint of each seed."""
    last_std: float | None
    """Sample standard deviation; None with one seed."""
    per_seed: tuple[float, ...]
    best_mean: float | None = None
    """Of the best checkpoint of each seed, chosen on the scored rows. Corrected scores have none."""
    best_per_seed: tuple[float, ...] = ()


@dataclass(frozen=True)
class Result:
    """A task under a protocol, from one initialisation, over all seeds."""

    protocol: str
    task: str
    title: str
    """`YNAT`, for people."""
    initialisation: str
    """`pretrained`, or `random`: the same architecture, fine-tuned without pretraining."""
    split: str
    """The rows that were scored: `dev`, `test`, or `held_out` for 20 % of the one labelled file."""
    train_rows: int
    dev_rows: int
    """Rows that were scored."""
    seeds: int
    learning_rate: float
    epochs: int
    truncated_rows: Mapping[str, int]
    """`train` and `scored`: rows of which the model reads only a part."""
    unread_rows: Mapping[str, int]
    """The same for rows with an eojeol from which the tokenizer makes no piece."""
    diverged_seeds: int
    runs: tuple[str, ...]
    """Folders below `klue_runs`, one a seed."""
    metrics: Mapping[str, Figures]
    """Official scores, in the order of the columns."""
    corrected: Mapping[str, Figures] = field(default_factory=dict)
    """Empty if the official metric needs no correction."""


@dataclass(frozen=True)
class ProtocolSettings:
    """What a protocol fixes for every model."""

    train_rows: int | None
    """None: all rows."""
    seeds: int
    initialisations: tuple[str, ...]
    training: str
    """`finetune`, or `features` and `probe`, which freeze the encoder."""


@dataclass(frozen=True)
class Part:
    """The rows of a split that were available, if the released data has more."""

    rows: int
    released: int


@dataclass(frozen=True)
class Scores:
    """The content of a finished evaluation."""

    data: str
    """What the table calls the data."""
    sample: bool
    """Whether the scores come from the bundled sample, where they mean nothing."""
    columns: tuple[Column, ...]
    """In the order of the published table."""
    protocols: Mapping[str, ProtocolSettings]
    results: tuple[Result, ...]
    baseline: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Protocol -> task -> metric -> score of character TF-IDF, trained on the same rows."""
    parts: Mapping[str, Mapping[str, Part]]
    """Task -> split -> its part, for tasks of which not all rows were available."""
    unlabelled_rows: Mapping[str, int]
    """Task -> rows that were skipped because they have no label."""

    @classmethod
    def open(cls, folder: Path) -> Scores:
        """Reads the finished artifact in `folder`. Raises ArtifactMismatch for anything else."""
        return cls.of(read_manifest(folder))

    @classmethod
    def of(cls, manifest: Manifest | None) -> Scores:
        """The scores of a run; without any result if the run was not evaluated. Raises ArtifactMismatch."""
        if manifest is None:
            return NOT_EVALUATED
        if manifest.stage != STAGE:
            raise ArtifactMismatch(f"{manifest.stage} {manifest.fingerprint[:16]} is not an artifact of {STAGE}.")
        try:
            return cls.from_summary(manifest.summary)
        except (KeyError, TypeError, AttributeError) as error:
            raise ArtifactMismatch(
                f"{STAGE} {manifest.fingerprint[:16]} has an unknown layout ({error!r}), that of version "
                f"{manifest.version}. Run the stage again."
            ) from None

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any]) -> Scores:
        """Reads `scores.json`, or the summary of the manifest, which is equal. Raises KeyError or TypeError."""
        columns = tuple(Column(**column) for column in summary["columns"])
        return cls(
            data=summary["data"],
            sample=summary["sample"],
            columns=columns,
            protocols={name: _protocol(content) for name, content in summary["protocols"].items()},
            results=tuple(_result(entry, columns) for entry in summary["results"]),
            baseline=summary["baseline"],
            parts={
                task: {split: Part(*counts) for split, counts in splits.items()}
                for task, splits in summary["parts"].items()
            },
            unlabelled_rows=summary["unlabelled_rows"],
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that were scored, each once."""
        return tuple(dict.fromkeys(result.task for result in self.results))

    def on_dev(self) -> Scores:
        """Only what is a KLUE dev score: without other splits, and without tasks whose dev split was incomplete."""
        incomplete = {task for task, splits in self.parts.items() if DEV in splits}
        results = tuple(entry for entry in self.results if entry.split == DEV and entry.task not in incomplete)
        kept = {entry.task for entry in results}
        baseline = {
            name: {task: metrics for task, metrics in tasks.items() if task in kept}
            for name, tasks in self.baseline.items()
        }
        columns = tuple(column for column in self.columns if column.task in kept)
        return replace(self, columns=columns, results=results, baseline=baseline)


NOT_EVALUATED = Scores("", False, (), {}, (), {}, {}, {})


def _protocol(content: Mapping[str, Any]) -> ProtocolSettings:
    return ProtocolSettings(
        content["train_rows"], content["seeds"], tuple(content["initialisations"]), content["training"]
    )


def _result(entry: Mapping[str, Any], columns: tuple[Column, ...]) -> Result:
    names = [column.metric for column in columns if column.task == entry["task"]]
    metrics = {kind: _figures(entry.get(kind, {}), names) for kind in ("metrics", "corrected")}
    return Result(**{**entry, "runs": tuple(entry["runs"]), **metrics})


def _figures(content: Mapping[str, Any], names: list[str]) -> dict[str, Figures]:
    """In the order of `names`: JSON files sort their keys."""
    return {name: _over_seeds(content[name]) for name in names} if content else {}


def _over_seeds(values: Mapping[str, Any]) -> Figures:
    return Figures(
        last_mean=values["last_mean"],
        last_std=values["last_std"],
        per_seed=tuple(values["per_seed"]),
        best_mean=values.get("best_mean"),
        best_per_seed=tuple(values.get("best_per_seed", ())),
    )
