"""One ONNX file from a model, by torch's exporter: batch and length stay open, and the weights are inside."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kobert_pipeline.exporting.source_model import SENTENCES, SourceModel
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.loaded_weights import one_line
from kobert_pipeline.training.quiet import quiet

OPSET = 18
"""The version of ONNX's operators that torch's exporter writes. onnxruntime has read it since 1.14 (2023)."""
LOUD = ("torch.__trace", "torch.onnx", "onnxscript", "onnx_ir", "torch.export", "torch._dynamo")
Axes = dict[int, str]
ROWS: Axes = {0: "batch", 1: "length"}


@dataclass(frozen=True)
class Graph:
    """What the exporter needs of a model."""

    module: nn.Module
    """Tensors -> a tuple of tensors."""
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: tuple[Axes, ...]
    """The open axes of each input, with their names."""


class Traced(nn.Module):
    """A model as a function of tensors."""

    def __init__(self, source: SourceModel) -> None:
        super().__init__()
        self.network, self.inputs, self.outputs = source.network, source.inputs, source.outputs

    def forward(self, *columns: Tensor) -> tuple[Tensor, ...]:
        batch = dict(zip(self.inputs, columns, strict=True))
        if (
            self.network.config.model_type == "xlnet"
        ):  # it computes 1.0 - mask, which the exporter follows for floats alone
            batch["attention_mask"] = batch["attention_mask"].float()
        found = self.network(**batch)
        return tuple(found[name] for name in self.outputs)


def graph_of(source: SourceModel) -> Graph:
    batch = source.batch(SENTENCES[:3])
    return Graph(
        Traced(source),
        tuple(batch.values()),
        source.inputs,
        source.outputs,
        (ROWS,) * len(source.inputs),
    )


def write_onnx(graph: Graph, kind: str, path: Path, opset: int = OPSET) -> None:
    """Writes the file. Raises InputError, with the architecture and the reason, for a model that cannot be written with this
    version of the operators. A model of more than 2 GB has its weights in a second file, `PATH.data`."""
    try:
        with quiet(), _silent():
            program: Any = torch.onnx.export(
                graph.module.eval(), graph.example, dynamo=True, opset_version=opset, external_data=False, verbose=False,
                input_names=list(graph.inputs), output_names=list(graph.outputs),
                dynamic_shapes={"columns": _open_axes(graph.axes)},
            )  # fmt: skip
            _forget_the_machine(program.model)
            program.save(path, external_data=False)
    except Exception as error:  # the exporter wraps whatever an operator raises
        raise InputError(
            "{kind} cannot be written as ONNX with opset {opset}: {error}", kind=kind, opset=opset, error=_reason(error)
        ) from None
    _require_opset(path, kind, opset)


def _forget_the_machine(model: Any) -> None:
    """The exporter notes for each operation where in which Python file of this machine it was called. Nothing of that is published."""
    graphs = [model.graph, *model.functions.values()]
    for described in [model, *graphs, *(part for graph in graphs for part in _parts(graph))]:
        described.metadata_props.clear()
        described.doc_string = None


def _parts(graph: Any) -> Iterator[Any]:
    """Operations, with those of their inner graphs, and values."""
    for node in graph.all_nodes():
        yield node
        yield from node.outputs
    yield from (*graph.inputs, *getattr(graph, "initializers", {}).values())


def _open_axes(axes: Sequence[Axes]) -> tuple[dict[int, Any], ...]:
    """As the exporter takes them: it wants each name once."""
    named: set[str] = set()
    found = []
    for each in axes:
        found.append({axis: torch.export.Dim.DYNAMIC if name in named else name for axis, name in each.items()})
        named.update(each.values())
    return tuple(found)


def _reason(error: BaseException) -> str:
    """The first line of the innermost error: the exporter's own message is a page long."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {one_line(error)[:200]}"  # type: ignore[arg-type]


def _require_opset(path: Path, kind: str, opset: int) -> None:
    """The exporter keeps its own version, with a warning, if it cannot convert to another."""
    import onnx

    written = {each.domain: each.version for each in onnx.load(path, load_external_data=False).opset_import}[""]
    if written != opset:
        path.unlink()
        raise InputError(
            "{kind} cannot be written as ONNX with opset {opset}; {written} works: --opset {written}",
            kind=kind,
            opset=opset,
            written=written,
        )


@contextmanager
def _silent() -> Iterator[None]:
    """The exporter logs every step."""
    loggers = [logging.getLogger(name) for name in LOUD]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
