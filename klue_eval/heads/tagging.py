"""One label for each token (Devlin et al. 2019, section 5.3): a linear layer on the last hidden layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from klue_eval.heads.head import (
    IGNORED,
    Columns,
    Head,
    Load,
    TaskModel,
    build_on_encoder,
    dropout_of,
    lengths,
    linear,
    padded,
)
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

AUTO_CLASS = "AutoModelForTokenClassification"


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

    def decisions(self, inputs: Columns) -> Tensor:
        """Of all tokens but padding."""
        return self._logits(inputs)[inputs["attention_mask"].bool()]

    def _logits(self, inputs: Columns) -> Tensor:
        """[B, L, labels]"""
        logits: Tensor = self.classifier(self.dropout(self.hidden(inputs)))
        return logits.float()


class LoadableTaggingModel(TaggingModel):
    """The same by transformers' own token classifier. In some families (ModernBERT) it has a layer more."""

    def __init__(self, encoder: nn.Module) -> None:
        TaskModel.__init__(self, encoder)

    def _logits(self, inputs: Columns) -> Tensor:
        logits: Tensor = self.encoder(**inputs).logits
        return logits.float()


def build_loadable(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
    return LoadableTaggingModel(load(AUTO_CLASS, num_labels=len(task.labels)))


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `targets` [B, L]. Padding has no loss here: transformers' current models do not mask it."""
    return {"targets": padded([example.target for example in examples], IGNORED)}


HEAD = Head(name="tagging", build=build_on_encoder(TaggingModel), collate=collate, build_loadable=build_loadable)
