"""The first and the last token of a span (Devlin et al. 2019, section 4.2): two scores for each token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from klue_eval.heads.head import Columns, Head, Load, TaskModel, build_on_encoder, lengths, linear
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

AUTO_CLASS = "AutoModelForQuestionAnswering"


class SpanModel(TaskModel):
    """`values`: `start` [L] and `end` [L]."""

    def __init__(self, encoder: nn.Module, task: KlueTask, settings: TaskSettings) -> None:
        super().__init__(encoder)
        self.classifier = linear(encoder, 2)

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        """The mean of the cross-entropies of both ends."""
        logits = self._logits(inputs).transpose(1, 2)
        return nn.functional.cross_entropy(logits.flatten(0, 1), labels["targets"].flatten())

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        logits = self._logits(inputs).cpu().numpy()
        return [
            {"start": values[:length, 0], "end": values[:length, 1]}
            for values, length in zip(logits, lengths(inputs), strict=True)
        ]

    def decisions(self, inputs: Columns) -> Tensor:
        """Of both ends, over the tokens of the example."""
        return self._logits(inputs).transpose(1, 2).flatten(0, 1)

    def _logits(self, inputs: Columns) -> Tensor:
        """[B, L, 2]. No span begins or ends in padding."""
        logits = self._scores(inputs).float()
        padding = inputs["attention_mask"].eq(0).unsqueeze(-1)
        return torch.masked_fill(logits, padding, torch.finfo(logits.dtype).min)

    def _scores(self, inputs: Columns) -> Tensor:
        scores: Tensor = self.classifier(self.hidden(inputs))
        return scores


class LoadableSpanModel(SpanModel):
    """The same by transformers' own class for questions. In some families (ModernBERT) it has a layer more."""

    def __init__(self, encoder: nn.Module) -> None:
        TaskModel.__init__(self, encoder)

    def _scores(self, inputs: Columns) -> Tensor:
        found = self.encoder(**inputs)
        return torch.stack([found.start_logits, found.end_logits], dim=-1)


def build_loadable(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
    return LoadableSpanModel(load(AUTO_CLASS, num_labels=2))


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `targets` [B, 2]: the positions of the first and the last token."""
    return {"targets": torch.tensor([example.target for example in examples], dtype=torch.long)}


HEAD = Head(
    name="span", build=build_on_encoder(SpanModel), collate=collate, scoring_batch=64, build_loadable=build_loadable
)
