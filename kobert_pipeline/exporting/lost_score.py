"""What quantisation costs on a labelled file: the same rows scored by torch and by an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from klue_eval.batches import batch_of, encode_rows, scoring_order
from klue_eval.figures import METRIC_TITLES
from klue_eval.heads import HEADS, TaskModel
from klue_eval.heads.sequence import PaddedInFront, SequenceModel, squared_error
from klue_eval.heads.token_labels import TokenLabelModel
from klue_eval.own.own_data import OwnData, read_own
from klue_eval.own.own_task import OwnTask, OwnTaskConfig
from klue_eval.task import KlueTask
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Row, Values
from kobert_pipeline.exporting.session import Session
from kobert_pipeline.exporting.source_model import SourceModel
from kobert_pipeline.ground.errors import InputError

CLASSES = {"ForSequenceClassification": ("classification", "regression"), "ForTokenClassification": ("tagging",)}
"""Ending of a class of transformers -> the tasks that its head answers."""


@dataclass(frozen=True)
class LostScore:
    metric: str
    """Its title, such as `macro F1`."""
    rows: int
    torch: float
    """0 to 100."""
    onnx: float

    @property
    def points(self) -> float:
        return self.torch - self.onnx


class OnnxNetwork(nn.Module):
    """An ONNX file in the place of transformers' model."""

    def __init__(self, session: Session, config: Any) -> None:
        super().__init__()
        self.session, self.config = session, config

    def forward(self, **columns: Tensor) -> Any:
        return SimpleNamespace(**dict(zip(self.session.outputs, self.session(columns), strict=True)))


def read_labelled(source: SourceModel, file: str) -> OwnData:
    """The rows to score, with the labels in the model's order. Raises InputError for a file that this model does not answer."""
    name = type(source.network).__name__
    kinds = next((kinds for ending, kinds in CLASSES.items() if name.endswith(ending)), ())
    if not kinds:
        raise InputError(
            "--task {file}: {name} answers no labelled task. Fine-tune it first: kobert eval MODEL --task FILE --out DIR",
            file=file,
            name=name,
        )
    data = read_own("task", OwnTaskConfig(file=file))
    if data.own.kind not in kinds:
        raise InputError(
            "--task {file}: this is a {kind}; {name} answers {kinds}.",
            file=file,
            kind=data.own.kind,
            name=name,
            kinds=" and ".join(kinds),
        )
    return replace(data, own=_as_the_model_says(data.own, source, file))


def _as_the_model_says(own: OwnTask, source: SourceModel, file: str) -> OwnTask:
    if own.kind == "regression":
        return replace(own, mean=0.0, deviation=1.0)  # the model answers on the scale of the labels
    names = source.network.config.id2label
    labels = tuple(str(names[number]) for number in sorted(names))
    if unknown := sorted(set(own.labels) - set(labels)):
        raise InputError(
            "--task {file}: the model has no label {label!r}; its labels are {labels}.",
            file=file,
            label=unknown[0],
            labels=", ".join(labels)[:200],
        )
    return replace(own, labels=labels)


def lost_score(source: SourceModel, session: Session, data: OwnData) -> LostScore:
    """Scores the rows that `kobert eval` scores: those that are not trained on."""
    task = data.own.task
    networks = (source.network, OnnxNetwork(session, source.network.config))
    before, after = (score(_task_model(network, source), source, data) for network in networks)
    title = METRIC_TITLES.get(task.primary_metric, task.primary_metric)
    return LostScore(title, len(data.dev), before, after)


def _task_model(network: nn.Module, source: SourceModel) -> TaskModel:
    if type(source.network).__name__.endswith("ForTokenClassification"):
        return TokenLabelModel(network)
    reads_the_end = getattr(source.network.config, "summary_type", None) == "last"
    return SequenceModel(PaddedInFront(network) if reads_the_end else network, squared_error)


def score(model: TaskModel, source: SourceModel, data: OwnData) -> float:
    """The task's first metric, 0 to 100, of `model` on the tokens of `source`."""
    task = data.own.task
    answers = _answers(model, source, task, data.dev)
    predictions = [task.decode([answer], row) for answer, row in zip(answers, data.dev, strict=True)]
    return float(task.metrics.official(predictions, data.dev)[task.primary_metric])


@torch.no_grad()
def _answers(model: TaskModel, source: SourceModel, task: KlueTask, rows: list[Row]) -> list[Answer]:
    reader = Reader(source.tokenizer, min(task.defaults.max_length, source.longest))
    encoded = encode_rows(task, rows, reader, task.defaults).only(source.inputs)
    head = HEADS[task.head]
    values: list[Values] = [{}] * len(encoded.examples)
    for numbers in scoring_order(encoded.lengths, 32):
        for number, output in zip(numbers, model.predict(**batch_of(encoded, numbers, head.collate)), strict=True):
            values[number] = output
    return [Answer(example, value) for example, value in zip(encoded.examples, values, strict=True)]
