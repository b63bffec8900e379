"""One label or number for each example: transformers' own classifier of the encoder's family.

The families differ in the layers after [CLS] (BERT has a pooler, RoBERTa two layers). Published scores depend on that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from klue_eval.heads.head import CACHED_TOKENS, Columns, Head, Load, TaskModel
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

AUTO_CLASS = "AutoModelForSequenceClassification"
Compare = Callable[[Tensor, Tensor], Tensor]


class SequenceModel(TaskModel):
    """`values`: `logits` [outputs]."""

    def __init__(self, encoder: nn.Module, compare: Compare) -> None:
        super().__init__(encoder)
        self.compare = compare

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        return self.compare(self._logits(inputs), labels["targets"])

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        return [{"logits": logits} for logits in self._logits(inputs).cpu().numpy()]

    def decisions(self, inputs: Columns) -> Tensor:
        return self._logits(inputs)

    def _logits(self, inputs: Columns) -> Tensor:
        """[B, outputs]"""
        logits: Tensor = self.encoder(**inputs).logits
        return logits.float()


class PaddedInFront(nn.Module):
    """A classifier that reads the last position (XLNet's): it must be a token, so padding moves to the front."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.config: Any = body.config

    def forward(self, **inputs: Tensor) -> Any:
        mask = inputs["attention_mask"]
        length = mask.shape[-1]
        places = torch.arange(length, device=mask.device)
        moved = (places - (length - mask.sum(-1, keepdim=True))) % length
        return self.body(**{name: column.gather(-1, moved) for name, column in inputs.items()})


def squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.mse_loss(logits.squeeze(-1), targets)


def _build(problem: str, compare: Compare) -> Callable[[Load, KlueTask, TaskSettings, Reader], TaskModel]:
    def build(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
        encoder = load(AUTO_CLASS, num_labels=len(task.labels) or 1, problem_type=problem)
        return SequenceModel(encoder, compare)

    return build


def _collate(kind: torch.dtype) -> Callable[[Sequence[Example]], Columns]:
    return lambda examples: {"targets": torch.tensor([example.target for example in examples], dtype=kind)}


_classifier = _build("single_label_classification", nn.functional.cross_entropy)
_regressor = _build("regression", squared_error)
CLASSIFICATION = Head(
    name="classification",
    build=_classifier,
    collate=_collate(torch.long),
    scoring_tokens=CACHED_TOKENS,
    build_loadable=_classifier,
)
REGRESSION = Head(
    name="regression",
    build=_regressor,
    collate=_collate(torch.float32),
    scoring_tokens=CACHED_TOKENS,
    build_loadable=_regressor,
)
