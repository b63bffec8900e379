"""An answer in words: an encoder-decoder reads a row as text and writes its prediction as text (Raffel et al. 2020, section 2.4).

Shapes: B examples, T tokens of the longest answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from klue_eval.heads.head import IGNORED, Columns, Head, Load, TaskModel, padded
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.text_to_text import IN_WORDS
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values

AUTO_CLASS = "AutoModelForSeq2SeqLM"
LONGEST = 512
"""New tokens at most, of any task."""


class Writer(TaskModel):
    """`values`: `ids`, the tokens that were written greedily, up to the end."""

    whole = True

    def __init__(self, encoder: nn.Module, pad_id: int, longest: int) -> None:
        super().__init__(encoder)
        self.pad_id, self.longest = pad_id, longest

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        loss: Tensor = self.encoder(**inputs, labels=labels["answers"]).loss
        return loss

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        writer: Any = self.encoder
        written = writer.generate(**inputs, max_new_tokens=min(LONGEST, self.longest), do_sample=False, num_beams=1)
        return [{"ids": ids[ids != self.pad_id].cpu().numpy()} for ids in written[:, 1:]]


def _build(load: Load, task: KlueTask, settings: TaskSettings, reader: Reader) -> TaskModel:
    return Writer(load(AUTO_CLASS), reader.tokenizer.pad_token_id, task.longest_answer)


def _collate(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    return {"answers": padded([example.target for example in examples], IGNORED)}


HEAD = Head(name=IN_WORDS, build=_build, collate=_collate)
