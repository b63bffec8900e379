"""A pretraining: the exported model, the curve, and what was measured on validation text."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from kobert_pipeline.ground.artifacts import RUN_FOLDER
from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader, parsed
from kobert_pipeline.ground.contents.origin import Origin, origin
from kobert_pipeline.ground.messages import say

MODEL = "model"
CURVE = "losses.csv"
SPEED = f"{RUN_FOLDER}/speed.csv"
KEPT = "kept"

Row = dict[str, int | float]
"""`step`, `tokens` and one value per term."""


@dataclass(frozen=True)
class Chance:
    """The headline's value for a model that has learned nothing, or for a simple one."""

    value: float
    name: str
    """For example `unigram entropy`."""


@dataclass(frozen=True)
class Figure:
    """A term of the validation rows, as pages show it."""

    name: str
    title: str
    unit: Literal["nats", "bits", "share", ""]
    chance: float | None
    """Its value for a model that has learned nothing. None if there is no such value."""
    better: Literal[1, -1]
    """1 if more is better, -1 if less is."""
    group: str = ""
    """What divides the text, such as `part of speech`: the figures of a group are one table. Empty for all text."""


TRUSTED_TARGETS, TRUSTED_DOCUMENTS = 1_000, 20
"""The least on which a figure can be trusted: the loss of a token deviates by about 3 nats, so that the mean of 1,000 is known to
about .1 nats; and documents differ more than tokens do."""
MOST_SHARED = 0.01
"""A larger share of validation sentences in the training text is said."""


@dataclass(frozen=True)
class MeasuredOn:
    """What the headline is measured on."""

    targets: int
    """Tokens on which there is a loss, in one measurement."""
    documents: int
    """Of the validation split, from which they are drawn."""
    shared: float = 0.0
    """Share of the long validation sentences that are in the training text, too."""

    @property
    def is_enough(self) -> bool:
        return self.targets >= TRUSTED_TARGETS and self.documents >= TRUSTED_DOCUMENTS

    @property
    def was_seen(self) -> bool:
        """Whether so much of it is in the training text that the figures flatter the model."""
        return self.shared > MOST_SHARED

    def words(self, use: str) -> str:
        """`on 130 masked tokens of 4 documents: too few to trust`."""
        return self.template(use).format(**self.counts()) + ("" if self.is_enough else ": too few to trust")

    def template(self, use: str) -> str:
        """The same without its numbers, which `counts` has: it can be translated."""
        tokens = "masked tokens" if use == "fill_mask" else "tokens"
        return f"on {{targets}} {tokens} of {{documents}} document{'' if self.documents == 1 else 's'}"

    def counts(self) -> dict[str, str]:
        return {"targets": f"{self.targets:,}", "documents": f"{self.documents:,}"}

    def spoken(self, use: str) -> str:
        """The same for the terminal, in the language of the user."""
        tokens = say("{count:,} tokens", count=self.targets)
        if use == "fill_mask":
            tokens = say("{count:,} masked tokens", count=self.targets)
        documents = say("1 document") if self.documents == 1 else say("{count:,} documents", count=self.documents)
        where = say("on {tokens} of {documents}", tokens=tokens, documents=documents)
        return where if self.is_enough else where + say(": too few to trust")


@dataclass(frozen=True)
class PretrainedSummary:
    objective: str
    architecture: str
    use: str
    """What the model is for: a row of `USES`, for example `fill_mask`."""
    parameters: int
    steps: int
    tokens: int
    """Seen in training."""
    epochs: int
    unigram_entropy: float
    """Nats, of the tokens of the training split."""
    headline: str
    """The term that curves, alarms and pages follow, for example `mlm`."""
    chance: Chance
    figures: tuple[Figure, ...]
    """In the order in which pages show them; the headline is the first."""
    validation: tuple[Row, ...]
    """By step: the first before training, the last after it."""
    measures: dict[str, float] = field(default_factory=dict)
    """Measured once, after the last step, for example `pseudo_perplexity`."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Alarm -> how often it was raised."""
    measured_on: MeasuredOn | None = None
    """None for a run that did not count it."""
    baseline: Chance | None = None
    """The headline's value for a simple model of the same training text, on the same validation text."""
    precision: str = ""
    """In which it was trained; empty for a run that recorded only its setting."""
    packing: tuple[float, ...] = ()
    """Phase by phase, the share of the packed rows that is used, 0 to 1."""

    @property
    def first(self) -> Row:
        return self.validation[0]

    @property
    def last(self) -> Row:
        return self.validation[-1]

    @property
    def headline_figure(self) -> Figure:
        return self.figure(self.headline)

    @property
    def as_exported(self) -> Figure | None:
        """The headline's figure of the exported model, where training has more than is exported."""
        return next((figure for figure in self.overall if figure.name == f"{self.headline}_exported"), None)

    @property
    def gain(self) -> float:
        """How much better than chance the headline ended, in its unit. Negative if it ended worse."""
        return (self.last[self.headline] - self.chance.value) * self.headline_figure.better

    @property
    def levels(self) -> tuple[Chance, ...]:
        """What the headline is compared with: chance, and a simple model if one was measured."""
        return (self.chance, self.baseline) if self.baseline else (self.chance,)

    @property
    def is_trial(self) -> bool:
        """Whether the model is not better than chance."""
        return not self.gain > 0

    def start(self, figure: Figure) -> float | None:
        """Before training. None if it was not measured then."""
        return self.first.get(figure.name)

    def end(self, figure: Figure) -> float | None:
        """After the last step. None if it was not measured."""
        return self.last.get(figure.name, self.measures.get(figure.name))

    @property
    def overall(self) -> tuple[Figure, ...]:
        """The figures of all text that were measured, the headline first."""
        return tuple(figure for figure in self.figures if not figure.group and self.end(figure) is not None)

    def figure(self, name: str) -> Figure:
        """Raises KeyError for a term that is not a figure."""
        return {figure.name: figure for figure in self.figures}[name]

    def group(self, name: str) -> tuple[Figure, ...]:
        """The figures of one group that were measured."""
        return tuple(figure for figure in self.figures if figure.group == name and self.end(figure) is not None)


@functools.cache
def _summary() -> TypeAdapter[PretrainedSummary]:
    return TypeAdapter(PretrainedSummary)


class PretrainedRun(ArtifactReader[PretrainedSummary]):
    """`model/` in Hugging Face's format, `losses.csv`, and the live logs under `run/`."""

    stage = "pretrain"

    def _parse(self, summary: Mapping[str, Any]) -> PretrainedSummary:
        return parsed(_summary(), summary)

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings that decided the content, with the precision that was used in place of `auto`, which is another one on another
        machine. Tables and comparisons read it here."""
        used = self.manifest.summary.get("precision")
        return {**self.manifest.config, "precision": used} if used else self.manifest.config

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    @property
    def continued_from(self) -> Origin | None:
        """None for a model whose weights began at random."""
        return origin(self.inputs, "continue_from")

    @property
    def taught_by(self) -> Origin | None:
        """The teacher of a student, which may have begun with its weights; None for a model that had none."""
        return origin(self.inputs, "teacher")

    @property
    def checked_model(self) -> Path | None:
        """The model, if the artifact came with it. Raises ArtifactMismatch if a file of it is missing or has changed."""
        return self.require_content(f"{MODEL}/").model if (self.model / "config.json").is_file() else None

    def model_at(self, step: int) -> Path | None:
        """The model of a step that `hub.checkpoints` named in training; None if it was not kept."""
        if step == self.summary.steps:
            return self.model
        folder = kept_folder(self.folder / RUN_FOLDER, step) / MODEL
        return folder if (folder / "config.json").is_file() else None

    def kept_steps(self) -> list[int]:
        """Steps before the last one whose models are there."""
        found = (self.folder / RUN_FOLDER / KEPT).glob(f"step-*/{MODEL}/config.json")
        return sorted(int(path.parent.parent.name.partition("-")[2]) for path in found)

    def curve(self) -> list[dict[str, float]]:
        """Training, every `log_steps`: `step`, `tokens`, `learning_rate` and the terms. Empty if the file is missing."""
        return _read_rows(self.file(CURVE))

    def speed(self) -> list[dict[str, float]]:
        """`step`, `tokens_per_second`, `mfu`, `gradient_norm`, `memory_mib`, as far as they were recorded. Empty if the live log is gone, which is not a part of the artifact."""
        return _read_rows(self.file(SPEED))


def kept_folder(run: Path, step: int) -> Path:
    """Where the models of a step are, below the folder `run` of an artifact."""
    return run / KEPT / f"step-{step}"


def exported_model(folder: Path) -> Path:
    """The model that the finished pretraining in `folder` exported. Raises ArtifactMismatch if a file of it is missing or has
    changed."""
    return PretrainedRun(folder).require_content(f"{MODEL}/").model


def _read_rows(path: Path | None) -> list[dict[str, float]]:
    """Cells that are empty are left out."""
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]
