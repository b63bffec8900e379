"""One of several texts after a context: a score for each, compared by softmax (SWAG: Devlin et al. 2019, section 4.4).

transformers' own class of the encoder's family for it; for a family without one, its sequence classifier with one output, which
is the same function for BERT.

Shapes: B examples, C choices of each, W tokens of the longest choice.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from klue_eval.heads.head import Columns, Head, Load, TaskModel
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

AUTO_CLASS = "AutoModelForMultipleChoice"


class ChoiceModel(TaskModel):
    """`values`: `logits` [C]."""

    def __init__(self, encoder: nn.Module, padding: dict[str, int]) -> None:
        super().__init__(encoder)
        self.padding = padding
        body = getattr(encoder, "body", encoder)
        self.takes_choices = type(body).__name__.endswith("ForMultipleChoice")

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        return nn.functional.cross_entropy(self._logits(inputs, labels), labels["targets"])

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        return [{"logits": logits} for logits in self._logits(inputs, labels).cpu().numpy()]

    def _logits(self, inputs: Columns, labels: Columns) -> Tensor:
        """[B, C]. Every choice is read alone: a class for choices gets one of each example, [B·C, 1, W]."""
        columns = separated(inputs, labels["lengths"], self.padding)
        if self.takes_choices:
            columns = {name: column.unsqueeze(1) for name, column in columns.items()}
        logits: Tensor = self.encoder(**columns).logits
        return logits.float().view(labels["lengths"].shape)


def separated(inputs: Columns, lengths: Tensor, padding: dict[str, int]) -> Columns:
    """Columns [B, L] of choices one after the other, and their lengths [B, C] -> columns [B·C, W], padded with `padding`."""
    places = torch.arange(int(lengths.max()), device=lengths.device)
    inside = places < lengths.unsqueeze(-1)
    starts = (lengths.cumsum(1) - lengths).unsqueeze(-1)
    taken = (starts + places).where(inside, 0).flatten(1)
    return {
        name: column.gather(1, taken).view(inside.shape).where(inside, padding.get(name, 0)).flatten(0, 1)
        for name, column in inputs.items()
    }


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `targets` [B] and `lengths` [B, C]."""
    return {
        "targets": torch.tensor([example.target for example in examples]),
        "lengths": torch.tensor([example.words for example in examples]),
    }


def build(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
    padding = {"input_ids": reader.tokenizer.pad_token_id, "token_type_ids": reader.tokenizer.pad_token_type_id}
    return ChoiceModel(load(AUTO_CLASS, num_labels=1), padding)


HEAD = Head(name="multiple_choice", build=build, collate=collate, scoring_batch=32, separates=True)
