"""Embeddings in 8 bits with a scale for each row. onnxruntime's own quantisation has one for the whole table, which costs more of the
answers than all other weights together."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

LARGEST = 127


def round_tables(model: Any) -> None:
    """Rounds the tables of an ONNX model that are read by row. One that is multiplied as well, such as that of a head that shares
    its weights, is taken apart: its transpose becomes a weight of its own, which quantisation finds."""
    import onnx

    tables = {
        each.name: each for each in model.graph.initializer if len(each.dims) == 2 and each.data_type == each.FLOAT
    }
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in model.graph.node:
        for name in tables.keys() & set(node.input):
            readers[name].append(node)
    for name, nodes in readers.items():
        kinds = {_kind(node, name) for node in nodes}
        if "rows" not in kinds or None in kinds:
            continue
        values = onnx.numpy_helper.to_array(tables[name])
        scales = np.maximum(np.abs(values).max(1, keepdims=True) / LARGEST, np.finfo(np.float32).tiny)
        rounded = np.rint(values / scales).astype(np.int8)
        model.graph.initializer.remove(tables[name])
        _add(model, f"{name}.int8", rounded)
        _add(model, f"{name}.scales", scales.astype(np.float32))
        for node in nodes:
            if _kind(node, name) == "transpose":
                _add(model, node.output[0], np.ascontiguousarray(values.T))
                model.graph.node.remove(node)
        _replace(model.graph, name)


def _kind(node: Any, table: str) -> str | None:
    """How it reads the table; None is neither by row nor as a whole transpose."""
    if node.op_type == "Gather" and node.input[0] == table and not any(each.i for each in node.attribute):
        return "rows"
    return "transpose" if node.op_type == "Transpose" else None


def _add(model: Any, name: str, values: np.ndarray) -> None:
    import onnx

    model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))


def _replace(graph: Any, table: str) -> None:
    """`Gather(table, ids)` -> `Cast(Gather(int8, ids)) * Gather(scales, ids)`."""
    from onnx import TensorProto
    from onnx.helper import make_node

    nodes: list[Any] = []
    for node in graph.node:
        if table not in node.input:
            nodes.append(node)
            continue
        ids, (out,) = node.input[1], node.output
        whole, floats, scales = (f"{out}.{part}" for part in ("int8", "floats", "scales"))
        nodes += [
            make_node("Gather", [f"{table}.int8", ids], [whole], name=whole),
            make_node("Cast", [whole], [floats], name=floats, to=TensorProto.FLOAT),
            make_node("Gather", [f"{table}.scales", ids], [scales], name=scales),
            make_node("Mul", [floats, scales], [out], name=f"{out}.rows"),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
