"""Weights as whole numbers of 8 bits (dynamic quantisation): what that costs is measured."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from kobert_pipeline.exporting.session import Session
from kobert_pipeline.exporting.source_model import SENTENCES, STATES, SourceModel


def quantise(full: Path, path: Path) -> None:
    """Writes the int8 model of an ONNX file. Weights have a scale for each channel; activations get theirs while the model runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root, disabled = logging.getLogger(), logging.root.manager.disable
    logging.disable(logging.WARNING)  # it recommends a step that the exporter's own optimiser has done
    try:
        quantize_dynamic(full, path, weight_type=QuantType.QInt8, per_channel=True)
    finally:
        root.manager.disable = disabled


def agreement(source: SourceModel, session: Session) -> float:
    """How alike the answers are to torch's, from 0 to 1, on a few Korean sentences: the share of places with the same best answer;
    for hidden states the mean cosine of tokens."""
    found = []
    for text in SENTENCES:
        batch = source.batch([text])
        expected, given = source.answer(batch)[0], session(batch)[0]
        if source.outputs[0] == STATES or expected.shape[-1] == 1:
            found.append(torch.nn.functional.cosine_similarity(expected, given, dim=-1).flatten())
        else:
            found.append((expected.argmax(-1) == given.argmax(-1)).float().flatten())
    return float(torch.cat(found).mean())
