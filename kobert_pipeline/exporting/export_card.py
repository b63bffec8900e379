"""The part of a card that is about ONNX files: what they are, what they cost, and how to run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kobert_pipeline.exporting.lost_score import LostScore
from kobert_pipeline.exporting.source_model import SourceModel
from kobert_pipeline.ground.amounts import shown_bytes
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use

FRONT_MATTER = "---\nlanguage: ko\nlibrary_name: onnx\n---\n\n"
EXAMPLE = """\
from onnxruntime import InferenceSession
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("."{trust})  # this folder
session = InferenceSession("{file}")
batch = tokenizer(["대한민국의 수도는 서울이다."], return_tensors="np")
print(session.run(None, {{each.name: batch[each.name] for each in session.get_inputs()}})[0].shape)
"""
CACHED = """\
import numpy
from onnxruntime import InferenceSession
from transformers import AutoTokenizer

tokenizer, session = AutoTokenizer.from_pretrained("."{trust}), InferenceSession("{file}")  # this folder
batch = dict(tokenizer(["대한민국의 수도는"], return_tensors="np"))
past = {{each.name: numpy.zeros((1, each.shape[1], 0, each.shape[3]), "float32") for each in session.get_inputs()[2:]}}
print(session.run(["logits"], {{name: batch[name] for name in ("input_ids", "attention_mask")}} | past)[0].shape)
"""


@dataclass(frozen=True)
class Written:
    """A file, and what was measured on it."""

    name: str
    size: int
    """Bytes, with those of its weights if they are in a file of their own."""
    difference: float | None = None
    """From torch: the largest of any output, relative to the largest output if that is above 1."""
    agreement: float | None = None
    lost: LostScore | None = None

    @property
    def measured(self) -> str:
        if self.difference is not None:
            return f"differs from torch by at most {self.difference:.0e}"
        if self.lost is not None:
            lost = self.lost
            return f"{lost.metric} {lost.onnx:.2f}, torch {lost.torch:.2f}, on {lost.rows:,} rows"
        return "not measured" if self.agreement is None else f"agrees with torch on {100 * self.agreement:.1f} % of six sentences' tokens"  # fmt: skip


def card(source: SourceModel, files: Sequence[Written], *, cache: bool = False, text: str = "") -> str:
    """`text` is the card of the model; without one, the card is about the ONNX files alone."""
    rows = "\n".join(f"| `{file.name}` | {shown_bytes(file.size)} | {file.measured} |" for file in files)
    trust = ", trust_remote_code=True" if cuts_at_use(source.folder) else ""
    example = (CACHED if cache else EXAMPLE).format(trust=trust, file=files[0].name)
    names = ", ".join(f"`{name}`" for name in source.inputs)
    reads = "`input_ids`, `attention_mask` and the cache `past.*`" if cache else names
    gives = "`logits` and the cache `present.*`" if cache else ", ".join(f"`{name}`" for name in source.outputs)
    return (
        f"{text.rstrip() or FRONT_MATTER + '# ' + source.kind}\n\n## ONNX\n\n| file | size | measured |\n|---|---:|---|\n{rows}\n\n"
        f"They read {reads}, of any number and length of texts up to {source.longest:,} tokens, and return {gives}.\n"
        f"`pip install onnxruntime transformers` is enough.\n\n```python\n{example}```\n"
    )
