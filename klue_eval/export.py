"""A fine-tuned model as a folder that plain transformers loads: `pipeline("text-classification", model=FOLDER)`."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from klue_eval.heads import TaskModel
from klue_eval.heads.sequence import PaddedInFront
from klue_eval.task import KlueTask
from klue_eval.token_reader import Reader
from kobert_pipeline.morphology.auto_tokenizer import save_tokenizer
from kobert_pipeline.training.quiet import quiet

SPAN = "span"
"""The head whose two outputs, start and end, have no names."""


def export(model: TaskModel, task: KlueTask, reader: Reader, folder: Path) -> None:
    """Writes the weights, the configuration with the names of the labels, and the tokenizer, which cuts a text where it was cut in
    training. The model of a regression answers on the scale of the labels.

    The model must be one of transformers' own classes (`Head.build_loadable`), fine-tuned as a whole.
    """
    from transformers import PreTrainedModel

    network = model.encoder.body if isinstance(model.encoder, PaddedInFront) else model.encoder
    assert isinstance(network, PreTrainedModel)
    if task.head != SPAN:
        names = task.labels or (task.name,)
        network.config.id2label = dict(enumerate(names))
        network.config.label2id = {name: number for number, name in enumerate(names)}
    if not task.labels and task.scale is not None:
        _answer_on_scale(network, *task.scale)
    reader.tokenizer.model_max_length = reader.max_length
    with quiet():
        network.save_pretrained(folder, safe_serialization=True)
        save_tokenizer(reader.tokenizer, folder)


@torch.no_grad()
def _answer_on_scale(network: nn.Module, mean: float, deviation: float) -> None:
    """The model was trained on (label - mean) / deviation. The last layer undoes that."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear) and layer.out_features == 1]
    assert len(last) == 1, "a classifier of transformers ends with one layer of one output"
    last[0].weight.mul_(deviation)
    last[0].bias.mul_(deviation).add_(mean)
