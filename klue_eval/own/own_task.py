"""A user's own task: its settings, and the KlueTask that is made of what its file says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from klue_eval.metrics import own_metrics
from klue_eval.task import KlueTask, TaskSettings, in_fields
from klue_eval.tasks.labelled import labelled_task
from klue_eval.token_reader import Reader, Token, encode_texts
from klue_eval.values import Answer, Example, Row, Texts
from kobert_pipeline.ground.config import Config, runtime

Kind = Literal["classification", "regression", "tagging"]
VERSION = 1
"""Raised when a prediction or a score changes."""
DEFAULTS = TaskSettings(max_length=256)
FEW_STEPS = 300
"""A small file is read more often than its settings say, until training takes this number of steps,"""
MOST_EPOCHS = 20
"""but never more often than this (Mosbach et al. 2021, section 7)."""


class OwnTaskConfig(Config):
    """One labelled task of your own."""

    file: str = runtime(...)
    """A table (.csv, .tsv, .json, .jsonl) with the columns `text`, `label`, and `text_b` for a second text; or tokens and tags in CoNLL
    (.conll, .bio, .iob, .iob2, .txt); or a folder with a train file and a dev or test file. `${VARIABLE}` is expanded. A single file is
    divided: by its column `split` if it has one, otherwise by the hash of its texts, 80 % to train on and 20 % to score."""
    kind: Literal["auto", "classification", "regression", "tagging"] = "auto"
    """`auto`: tagging for CoNLL; regression if every label is a number and one of them is not whole; otherwise classification."""


@dataclass(frozen=True)
class OwnTask:
    """What the file of a task says about it. It can be sent to another process, which a KlueTask cannot."""

    name: str
    kind: Kind
    labels: tuple[str, ...] = ()
    """In the order of the alphabet; O comes first in tagging. Empty for regression."""
    paired: bool = False
    """Whether a row has two texts."""
    mean: float = 0.0
    """Of the training labels of a regression. The model learns how many deviations a label is above it."""
    deviation: float = 1.0
    epochs: int = DEFAULTS.epochs

    @property
    def task(self) -> KlueTask:
        return {"classification": _classification, "regression": _regression, "tagging": _tagging}[self.kind](self)

    def common(self) -> dict[str, Any]:
        """The fields that do not depend on the kind."""
        return {
            "name": self.name,
            "version": VERSION,
            "title": self.name,
            "dataset": "a file of your own",
            "paper": "",
            "read": dict,
            "defaults": DEFAULTS.model_copy(update={"epochs": self.epochs}),
        }


def epochs_for(rows: int) -> int:
    """Number of epochs for a number of training rows."""
    return min(MOST_EPOCHS, max(DEFAULTS.epochs, -(-FEW_STEPS * DEFAULTS.batch_size // rows)))


def _classification(own: OwnTask) -> KlueTask:
    segments = ("text", "text_b") if own.paired else ("text",)
    return labelled_task(
        labels=own.labels,
        segments=segments,
        metrics=own_metrics.CLASSIFICATION,
        primary_metric="macro_f1",
        **own.common(),
    )


# --- regression -------------------------------------------------------------------------------------------------------


def _regression(own: OwnTask) -> KlueTask:
    def texts(row: Row) -> Texts:
        return Texts(row["text"], row.get("text_b"), (row["label"] - own.mean) / own.deviation)

    def decode(answers: Sequence[Answer], row: Row) -> float:
        return float(answers[0].values["logits"][0]) * own.deviation + own.mean

    def grade(prediction: float, row: Row) -> float:
        """100 for the label itself, 0 from two deviations on."""
        return max(0.0, 100.0 - 50.0 * abs(prediction - float(row["label"])) / own.deviation)

    return KlueTask(
        labels=(), encode=encode_texts(texts), texts=texts, head="regression", decode=decode, grade=grade,
        gold=lambda row: float(row["label"]), show=lambda row: {name: row[name] for name in ("text", "text_b") if name in row},
        perturb=in_fields("text", "text_b"), metrics=own_metrics.REGRESSION, primary_metric="pearson", scale=(own.mean, own.deviation), **own.common(),
    )  # fmt: skip


# --- tagging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a token of the file is read among the tokens of the model."""

    position: int
    begins: bool
    """Whether the model's token begins inside it. Otherwise the model's token began in one before it."""


def _tagging(own: OwnTask) -> KlueTask:
    def encode(row: Row, reader: Reader, settings: TaskSettings) -> list[Example]:
        """`target`: [L] labels at the model's first token of each token, -100 elsewhere. `memo`: a Place for each token."""
        tokens = reader.tokens(sentence(row))
        seen = tokens[: reader.room]
        places = list(_places(row, seen, len(reader.prefix)))
        target = [-100] * (len(reader.prefix) + len(seen) + len(reader.suffix))
        for place, label in zip(places, row["labels"], strict=True):
            if place is not None and place.begins:
                target[place.position] = own.labels.index(label)
        cut = len(seen) < len(tokens)
        return [reader.example([token.id for token in tokens], target=target, memo=places, truncated=cut)]

    def decode(answers: Sequence[Answer], row: Row) -> list[str]:
        """O for a token that the model does not read."""
        best = answers[0].values["logits"].argmax(-1)
        labels = []
        for place in answers[0].example.memo:
            label = "O" if place is None else own.labels[best[place.position]]
            labels.append(label if place is None or place.begins else label.replace("B-", "I-", 1))
        return labels

    return KlueTask(
        labels=own.labels, encode=encode, head="token_labels", decode=decode, gold=lambda row: list(row["labels"]),
        show=lambda row: {"sentence": sentence(row)}, metrics=own_metrics.TAGGING, primary_metric="entity_f1",
        **own.common(),
    )  # fmt: skip


def sentence(row: Row) -> str:
    """Tokens are separated by spaces, unless the spaces are tokens themselves."""
    return _joint(row).join(row["tokens"])


def _joint(row: Row) -> str:
    return "" if any(token.isspace() for token in row["tokens"]) else " "


def _places(row: Row, seen: Sequence[Token], prefix: int) -> Iterator[Place | None]:
    start, joint = 0, len(_joint(row))
    for token in row["tokens"]:
        stop = start + len(token)
        first = next((number for number, read in enumerate(seen) if start <= read.start < stop), None)
        covering = next((number for number, read in enumerate(seen) if read.start < start < read.end), None)
        if first is not None:
            yield Place(prefix + first, True)
        else:
            yield None if covering is None else Place(prefix + covering, False)
        start = stop + joint
