"""Weights as whole numbers of 8 bits (dynamic quantisation): what that costs is measured."""

from __future__ import annotations

import logging
import math
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kobert_pipeline.exporting.cached_decoder import empty_cache
from kobert_pipeline.exporting.int8_tables import round_tables
from kobert_pipeline.exporting.session import Session
from kobert_pipeline.exporting.source_model import SENTENCES, STATES, SourceModel

LEAST_DECIBELS = 25.0
"""Of the inputs of a multiplication over the error of rounding them to 8 bits. Normalised states have 31 to 42. Where a few tokens hold far
larger values than the others, as after ModernBERT's gated units, it is 13 to 20, and the other tokens are lost."""


def quantise(source: SourceModel, full: Path, path: Path) -> None:
    """Writes the int8 model of an ONNX file. Weights have a scale for each channel, embeddings one for each row; activations get theirs
    while the model runs. A multiplication whose inputs would lose too much (`rough_inputs`) stays in float32."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        rough = rough_inputs(source, onnx.load(full), Path(place) / "probed.onnx")
        model, rounded = onnx.load(full), Path(place) / "rounded.onnx"
        round_tables(model)
        onnx.save(model, rounded, save_as_external_data=True)
        kept = [name for each in rough for name in (each, f"{each}_MatMul")]  # a Gemm becomes a MatMul first
        root, disabled = logging.getLogger(), logging.root.manager.disable
        logging.disable(logging.WARNING)  # it recommends a step that the exporter's own optimiser has done
        try:
            quantize_dynamic(
                rounded, path, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"], nodes_to_exclude=kept,
            )  # fmt: skip
        finally:
            root.manager.disable = disabled


def rough_inputs(source: SourceModel, model: Any, path: Path) -> list[str]:
    """Names of the multiplications by weights whose inputs 8 bits hold badly, on a few Korean sentences. Writes the model to `path`, with these
    inputs as outputs."""
    import onnx

    weights = {each.name for each in model.graph.initializer}
    nodes = [each for each in model.graph.node if each.op_type in ("MatMul", "Gemm") and each.input[1] in weights]
    places = [(each.name, each.input[0]) for each in nodes]
    known = {each.name for each in model.graph.output}
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in sorted({name for _, name in places} - known)
    )
    onnx.save(model, path, save_as_external_data=True)
    session, batch = Session(path), source.batch(SENTENCES)
    mask = batch["attention_mask"]
    past = [name for name in session.inputs if name not in batch]
    batch |= dict(zip(past, empty_cache(source, len(SENTENCES)) if past else (), strict=True))
    found = dict(zip(session.outputs, session(batch), strict=True))
    return [node for node, name in places if decibels(found[name], mask) < LEAST_DECIBELS]


def decibels(values: Tensor, mask: Tensor) -> float:
    """Mean square of a token's values, the median over tokens, above that of the error when all are rounded to 256 steps between the
    least and the largest. `mask` (B, L) leaves out padding where `values` are of tokens: (B, L, ...)."""
    step = float(values.max().clamp_min(0) - values.min().clamp_max(0)) / 255
    tokens = values[mask.bool()] if values.shape[:2] == mask.shape else values
    power = float(tokens.square().mean(-1).median())
    return 10 * math.log10(power / (step * step / 12)) if power and step else math.inf


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
