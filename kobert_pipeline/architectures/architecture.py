"""The contract of an architecture: what learns. One file an architecture; the table is in `kobert_pipeline.architectures`.

`build` returns a module around transformers' own class that can do what `Learner` in
`kobert_pipeline.objectives.objective` asks; `export` writes a folder that plain transformers loads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kobert_pipeline.ground.config import Config

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ModelSpec:
    """What a model must know of the tokenizer and of the run."""

    vocab_size: int
    pad_id: int
    cls_id: int
    sep_id: int
    max_length: int
    """The longest example of any phase, in pieces."""
    attention: str = "auto"
    """transformers' name of the attention to compute with; `auto` chooses by the machine."""


def attention(asked: str = "auto") -> str:
    """transformers' name of the attention to build with. On a CPU the plain products are 11 to 16 % faster than `sdpa`
    for rows of 128 pieces (measured on 4 layers of 256); weights are the same, results too but for rounding."""
    import torch

    if asked != "auto":
        return asked
    return "sdpa" if torch.cuda.is_available() else "eager"


Build = Callable[[Any, ModelSpec, tuple[str, ...]], "nn.Module"]
"""(sizes, spec, heads) -> module, initialised from torch's global random state."""
Export = Callable[[Any, Path], None]
"""(module, folder) -> config.json and model.safetensors."""


def export(module: Any, folder: Path) -> None:
    """What every architecture around a model of transformers exports by."""
    module.transformer.save_pretrained(folder, safe_serialization=True)


@dataclass(frozen=True)
class Architecture:
    name: str
    paper: str
    sizes: type[Config]
    named_sizes: MappingProxyType[str, Config]
    """mini, small, base, large."""
    heads: tuple[str, ...]
    """What it can offer an objective."""
    model_inputs: tuple[str, ...]
    """What the exported tokenizer should return for it."""
    build: Build
    export: Export = export
