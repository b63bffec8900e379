"""Untrained tiny models of every architecture, in folders as the pretraining stage exports them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pairs import OBJECTIVE_OF, config_of_pair, tiny_models

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, put_cls_last, save_tokenizer
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SIZES = {"layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64}


def export_tiny(name: str, folder: Path, tiny: Any, tiny_bytes: Any) -> Path:
    """The model of an architecture with the objective that comes first; models that write have the byte-level tokenizer. Weights
    are large enough that answers differ."""
    architecture, objective = ARCHITECTURES[name], OBJECTIVES[OBJECTIVE_OF[name]]
    tokenizer = (tiny_bytes if objective.writes else tiny).tokenizer
    models = tiny_models(config_of_pair(objective.name, name, SIZES), tokenizer_info(tokenizer))
    with torch.no_grad():
        for weight in models.student.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.2)
    architecture.export(dict(models.roles.items()), folder)
    fast = auto_tokenizer(tokenizer, model_max_length=48, model_input_names=list(architecture.model_inputs))
    if architecture.cls_last:
        put_cls_last(fast)
    save_tokenizer(fast, folder / "model")
    return folder / "model"


def export_classifier(base: Path, folder: Path, labels: tuple[str, ...]) -> Path:
    """A classifier of texts with random weights, on the sizes and the tokenizer of an exported model."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    names = dict(enumerate(labels))
    config = AutoConfig.from_pretrained(
        base, num_labels=len(labels), id2label=names, label2id={name: number for number, name in names.items()}
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.2)
    model.save_pretrained(folder)
    save_tokenizer(auto_tokenizer(base), folder)
    return folder
