"""One label for each token (Devlin et al. 2019, section 5.3): a linear layer on the last hidden layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from klue_eval.heads.head import (
    IGNORED,
    Columns,
    Head,
    TaskModel,
    build_on_encoder,
    dropout_of,
    lengths,
    linear,
    padded,
)
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.values import Example, Values


class TaggingModel(TaskModel):
    """`values`: `logits` [L, labels], and `last` [labels], the logits at the last position of the padded batch."""

    def __init__(self, encoder: nn.Module, task: KlueTask, settings: TaskSettings) -> None:
        super().__init__(encoder)
        self.dropout = nn.Dropout(dropout_of(encoder))
        self.classifier = linear(encoder, len(task.labels))

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        return nn.functional.cross_entropy(
            self._logits(inputs).flatten(0, 1), labels["targets"].flatten(), ignore_index=IGNORED
        )

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        logits = self._logits(inputs).cpu().numpy()
        return [
            {"logits": values[:length], "last": values[-1]}
            for values, length in zip(logits, lengths(inputs), strict=True)
        ]

    def _logits(self, inputs: Columns) -> Tensor:
        """[B, L, labels]"""
        logits: Tensor = self.classifier(self.dropout(self.hidden(inputs)))
        return logits.float()


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `targets` [B, L]. Padding has no loss here: transformers' current models do not mask it."""
    return {"targets": padded([example.target for example in examples], IGNORED)}


HEAD = Head(name="tagging", build=build_on_encoder(TaggingModel), collate=collate)
