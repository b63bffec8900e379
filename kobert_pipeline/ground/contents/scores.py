"""What the KLUE evaluation found: the one reader of its summary.

Scores are on the scale of 0 to 100. Everything that shows a score (the Markdown table, the model card, the page) starts
from `ScoreSummary`; `score_table.py` lays them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kobert_pipeline.ground.artifacts import RUN_FOLDER, Manifest
from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed
from kobert_pipeline.ground.files import read_cache

DEV, OWN = "dev", "own"
"""Splits: KLUE's dev, and the scored rows of a user's own task."""
SEEDS_WITH_SPREAD = 3
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
    interval: tuple[float, float] | None = None
    """The 95 % interval of `last_mean`, over rows and, from three seeds on, seeds. None for a metric that is not a sum over rows."""

    @property
    def spread(self) -> float | None:
        """The deviation as it is shown. None below three seeds, from which none can be told."""
        return self.last_std if len(self.per_seed) >= SEEDS_WITH_SPREAD else None


@dataclass(frozen=True)
class PerturbedScores:
    """The scores of the last checkpoints on the scored rows with a typing error."""

    metrics: Mapping[str, Figures]
    unchanged: int
    """Rows in which the error finds nothing to change."""
    unknown_share: float
    """[UNK] among the tokens of the rows."""


@dataclass(frozen=True)
class MixtureNote:
    """How a task was trained together with others."""

    folder: str
    """Below `klue_mixtures`: the training of the first seed, with the model."""
    steps: int
    """Steps on batches of this task."""
    all_steps: int
    """Steps on batches of all tasks."""


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
    rows_id: str = ""
    """Hash of the scored rows' texts and labels. Only results with the same one are compared; empty where it was not kept."""
    calibration: Mapping[str, float] = field(default_factory=dict)
    """`ece` (expected calibration error), `confidence` and `accuracy`, 0 to 100, means over seeds. Only of classifications."""
    perturbed: Mapping[str, PerturbedScores] = field(default_factory=dict)
    """Error (`no_space`, …) -> scores of the rows with it. Empty unless they were asked for."""
    unknown_share: Mapping[str, float] = field(default_factory=dict)
    """`train` and `scored`: [UNK] among the tokens of the rows. Empty in scores that did not count it."""
    mixture: MixtureNote | None = None
    """None for a task that was trained alone."""


@dataclass(frozen=True)
class ProtocolSettings:
    """What a protocol fixes for every model."""

    train_rows: int | None
    """None: all rows."""
    seeds: int
    initialisations: tuple[str, ...]
    training: str
    """`finetune`, or `features` and `probe`, which freeze the encoder."""
    multitask: tuple[str, ...] = ()
    """Tasks that were trained together."""


@dataclass(frozen=True)
class OwnTaskNote:
    """How the rows of a user's own task were read and divided."""

    kind: str
    """`classification`, `regression` or `tagging`."""
    why: str
    """How the kind was decided."""
    division: str
    """How the rows to train on and those to score were told apart."""
    labels: int
    train_rows: int
    scored_rows: int
    repeated_rows: int
    """Scored rows with a text that is also trained on."""


@dataclass(frozen=True)
class ScoreSummary:
    """All scores of an evaluation."""

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
    parts: Mapping[str, Mapping[str, tuple[int, int]]]
    """Task -> split -> rows that were available, and rows of the released data, for tasks of which rows were missing."""
    unlabelled_rows: Mapping[str, int]
    """Task -> rows that were skipped because they have no label."""
    own_tasks: Mapping[str, OwnTaskNote] = field(default_factory=dict)
    """What was scored besides KLUE: the user's own tasks."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that were scored, each once."""
        return tuple(dict.fromkeys(result.task for result in self.results))

    def on_dev(self) -> ScoreSummary:
        """Only what is a KLUE dev score: without other splits, and without tasks whose dev split was incomplete."""
        incomplete = {task for task, splits in self.parts.items() if DEV in splits}
        return self.only(entry for entry in self.results if entry.split == DEV and entry.task not in incomplete)

    def on_own_tasks(self) -> ScoreSummary:
        """Only the user's own tasks, whose scores can be compared with nobody else's."""
        return self.only(entry for entry in self.results if entry.split == OWN)

    def only(self, wanted: Iterable[Result]) -> ScoreSummary:
        """Some of the results, and what belongs to their tasks."""
        results = tuple(wanted)
        kept = {entry.task for entry in results}
        baseline = {
            name: {task: metrics for task, metrics in tasks.items() if task in kept}
            for name, tasks in self.baseline.items()
        }
        columns = tuple(column for column in self.columns if column.task in kept)
        return replace(self, columns=columns, results=results, baseline=baseline)


_SUMMARY = TypeAdapter(ScoreSummary)
NOT_EVALUATED = ScoreSummary("", False, (), {}, (), {}, {}, {})


@dataclass(frozen=True)
class ResultCost:
    """What the runs of a result took: the means over seeds, and the highest peak."""

    protocol: str
    title: str
    initialisation: str
    seconds: float
    train_rows_per_second: float
    scored_rows_per_second: float
    peak_mib: float
    """Resident memory of the process that trained, with its libraries."""


_COSTS = TypeAdapter(tuple[ResultCost, ...])
COSTS = "costs.json"
"""Kept under `run/`, which is not hashed: the same scores may take any time."""


class Scores(ArtifactReader[ScoreSummary]):
    """The scores of a model, official and corrected, by protocol, task and initialisation."""

    stage = "klue_eval"

    def _parse(self, summary: Mapping[str, Any]) -> ScoreSummary:
        return parse_scores(summary)

    @property
    def costs(self) -> tuple[ResultCost, ...]:
        """Of each result; empty if they were not kept, or are damaged: no score follows from them."""
        try:
            return parsed(_COSTS, (read_cache(self.folder / RUN_FOLDER / COSTS) or {}).get("results", ()))
        except ValidationError:
            return ()


def scores_of(manifest: Manifest | None) -> ScoreSummary:
    """The scores of a run; without any result if the run was not evaluated. Raises ArtifactMismatch."""
    return NOT_EVALUATED if manifest is None else Scores.of(manifest).summary


def parse_scores(summary: Mapping[str, Any]) -> ScoreSummary:
    """Reads the summary of the manifest, or `scores.json`, which is equal. Raises pydantic's ValidationError."""
    scores = parsed(_SUMMARY, summary)
    return replace(scores, results=tuple(_in_order(result, scores.columns) for result in scores.results))


def _in_order(result: Result, columns: tuple[Column, ...]) -> Result:
    """The metrics in the order of the columns: JSON files sort their keys."""
    names = [column.metric for column in columns if column.task == result.task]
    metrics, corrected = (
        {name: kind[name] for name in names if name in kind} for kind in (result.metrics, result.corrected)
    )
    return replace(result, metrics=metrics, corrected=corrected)
