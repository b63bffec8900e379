"""One label for each token: transformers' own token classifier of the encoder's family, which a pipeline loads again.

KLUE's NER uses `tagging` instead, a linear layer for every family, because published scores depend on it.
"""

from __future__ import annotations

from torch import Tensor, nn

from klue_eval.heads.head import IGNORED, Columns, Head, Load, TaskModel, lengths
from klue_eval.heads.tagging import AUTO_CLASS, collate
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Values

NAME = "token_labels"


class TokenLabelModel(TaskModel):
    """`values`: `logits` [L, labels]."""

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        return nn.functional.cross_entropy(
            self._logits(inputs).flatten(0, 1), labels["targets"].flatten(), ignore_index=IGNORED
        )

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        logits = self._logits(inputs).cpu().numpy()
        return [{"logits": values[:length]} for values, length in zip(logits, lengths(inputs), strict=True)]

    def decisions(self, inputs: Columns) -> Tensor:
        """Of all tokens but padding."""
        return self._logits(inputs)[inputs["attention_mask"].bool()]

    def _logits(self, inputs: Columns) -> Tensor:
        """[B, L, labels]"""
        logits: Tensor = self.encoder(**inputs).logits
        return logits.float()


def build(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
    return TokenLabelModel(load(AUTO_CLASS, num_labels=len(task.labels)))


HEAD = Head(name=NAME, build=build, collate=collate, build_loadable=build)
