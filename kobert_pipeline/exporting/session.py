"""An ONNX file, run by onnxruntime on the CPU, and how far its answers are from torch's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from kobert_pipeline.exporting.cached_decoder import empty_cache
from kobert_pipeline.exporting.source_model import SENTENCES, SourceModel

TOLERANCE = 1e-4
"""The largest difference from torch, relative to the largest output if that is above 1."""


class Session:
    """`session(batch)` -> the outputs, in the order of `outputs`."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """`threads`: number of threads for one operator; 0 takes all cores."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(each.name for each in self._session.get_inputs())
        self.outputs = tuple(each.name for each in self._session.get_outputs())

    def __call__(self, batch: Mapping[str, Tensor]) -> list[Tensor]:
        found = self._session.run(None, {name: batch[name].numpy() for name in self.inputs})
        return [torch.from_numpy(each) for each in found]


def difference(source: SourceModel, session: Session) -> float:
    """The largest over batches of one text and of all, which differ in length and hold padding."""
    groups: list[Sequence[str]] = [*([text] for text in SENTENCES[:2]), SENTENCES]
    batches = [source.batch(group) for group in groups]
    return max(_furthest(source.answer(batch), session(batch)) for batch in batches)


def cached_difference(source: SourceModel, session: Session) -> float:
    """The largest between a decoder that reads each text at once and one that reads it in two steps, with a cache."""
    found = []
    for text in SENTENCES[:3]:
        batch = source.batch([text])
        ids, mask = batch["input_ids"], batch["attention_mask"]
        cut = max(1, ids.shape[1] // 2)
        first = session(_with_cache(ids[:, :cut], mask[:, :cut], empty_cache(source, 1), session))
        second = session(_with_cache(ids[:, cut:], mask, first[1:], session)) if cut < ids.shape[1] else first
        logits = torch.cat([first[0], second[0]], dim=1) if second is not first else first[0]
        found.append(_furthest([source.network(**batch).logits.detach()], [logits]))
    return max(found)


def _with_cache(ids: Tensor, mask: Tensor, past: Sequence[Tensor], session: Session) -> dict[str, Tensor]:
    return dict(zip(session.inputs, (ids, mask, *past), strict=True))


def _furthest(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    pairs = zip(expected, found, strict=True)
    return max(float((one - other).abs().max()) / max(1.0, float(one.abs().max())) for one, other in pairs)
