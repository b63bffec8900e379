"""The contract of an architecture: what learns. One file per architecture; the table is in `kobert_pipeline.architectures`.

`build` returns a module around transformers' own class that can do what `Learner` in
`kobert_pipeline.objectives.objective` asks; `export` writes folders that plain transformers loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from kobert_pipeline.architectures.attention_scores import SCORES
from kobert_pipeline.architectures.attention_scores import register as register_scores
from kobert_pipeline.architectures.varlen import VARLEN, register
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import WrongValue

if TYPE_CHECKING:
    from torch import Tensor, nn

    from kobert_pipeline.training.muon import Split


@dataclass(frozen=True)
class ModelSpec:
    """What a model must know about the tokenizer and the run."""

    vocab_size: int
    pad_id: int
    cls_id: int
    sep_id: int
    max_length: int
    """The longest example of any phase, in tokens."""
    attention: str = "auto"
    """transformers' name of the attention to compute with; `auto` chooses by the machine."""
    tied: bool = True
    """Whether the output matrix is that of the embeddings. A checkpoint that is continued may have two."""


Head = Callable[[Any, "Tensor"], "Tensor"]
"""(transformers' model, hidden states) -> logits."""
Build = Callable[[Any, ModelSpec, tuple[str, ...]], "nn.Module"]
"""(sizes, spec, heads) -> module, initialised from torch's global random state."""
Layers = Callable[[Any], Sequence["nn.Module"]]
"""Module -> its repeated layers, in the order in which they compute."""
Fused = Callable[[Any], "Mapping[nn.Parameter, Split]"]
"""Module -> the weights in it that hold several matrices, and how each is taken apart."""
Export = Callable[[Mapping[str, Any], Path], list[str]]
"""(trained module by role, folder) -> the names of the folders that were written below it, `model` first."""

MaskKind = Literal["additive", "boolean", "lengths", "permutation"]
"""What kind of attention mask the forward of transformers' class reads, where examples share a row.

`additive`: what transformers' attention interface takes: added to the scores for eager, boolean for sdpa. `boolean`: true
where a position is seen, for every attention. `lengths` and `permutation`: no mask of two positions can be given, so
examples cannot share a row."""


@dataclass(frozen=True)
class Weights:
    """What `continue_from` compares between a checkpoint and a recipe."""

    model_type: str
    """transformers' name of the architecture in config.json."""
    sizes: Mapping[str, str]
    """Field of transformers' configuration -> what a recipe calls it."""
    built_in: tuple[str, ...]
    """Fields that a recipe cannot change, and that a checkpoint may have otherwise."""
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Head -> prefixes of its weights: what a checkpoint may lack begins at random."""


def require_even_heads(hidden: int, heads: int, *, rotary: bool = False) -> None:
    """Raises ValueError unless every attention head has the same whole size. A rotary position turns pairs of numbers, so its
    heads have an even size."""
    size, rest = divmod(hidden, heads)
    if rest:
        raise WrongValue(
            "hidden {hidden} is not a multiple of heads {heads}; change one of them", hidden=hidden, heads=heads
        )
    if rotary and size % 2:
        raise WrongValue(
            "hidden {hidden} by heads {heads} gives heads of {size}, and rotary positions need an even size; change one of them",
            hidden=hidden,
            heads=heads,
            size=size,
        )


def choose_attention(asked: str, offered: Sequence[str]) -> str:
    """transformers' name of the attention to build with. On a CPU the plain products (`eager`) are 11 to 16 % faster than
    `sdpa` for rows of 128 tokens (measured on 4 layers of 256). The weights are the same, and results but for rounding.

    Raises ValueError for an attention that the architecture does not offer.
    """
    import torch

    if asked == SCORES:
        register_scores()
        return asked
    if asked == "auto":
        return "sdpa" if "sdpa" in offered and torch.cuda.is_available() else "eager"
    if asked not in offered:
        raise WrongValue(
            "attention {asked} is not offered by this architecture; it offers {offered}",
            asked=asked,
            offered=", ".join(offered),
        )
    if asked == VARLEN:
        register()
    return asked


REPLACED = "replaced"
"""The head that says of each token whether it was replaced: (B, L, H) -> (B, L)."""
REPLACED_LABELS: dict[str, Any] = {
    "num_labels": 2,
    "id2label": {0: "original", 1: REPLACED},
    "label2id": {"original": 0, REPLACED: 1},
}
"""Fields of the configuration of a token classifier that is this head."""


def of_two_labels(logits: Tensor) -> Tensor:
    """(…, 2) -> (…): how much likelier the second label is, as a logit."""
    return logits[..., 1] - logits[..., 0]


def transformers_layers(module: Any) -> list[nn.Module]:
    """The layers that transformers itself marks as such, in the model inside `module`."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [part for part in module.modules() if isinstance(part, GradientCheckpointingLayer)]


def no_fused_weights(_: Any) -> dict[nn.Parameter, Split]:
    return {}


def unread_biases(transformer: Any) -> dict[str, str]:
    """Name of a bias of an untied model that transformers 5 never reads -> the bias that it reads instead. transformers 4
    keeps both equal."""
    if transformer.config.tie_word_embeddings:
        return {}
    tied = transformer._tied_weights_keys or {}
    return {unread: read for read, unread in tied.items() if read.endswith(".bias")}


MODEL = "model"
"""The folder of the student."""


def export(models: Mapping[str, Any], folder: Path) -> list[str]:
    """Writes each model by transformers' `save_pretrained`: the first one, the student, into `model/`, others by role.

    Parametrised weights are written, and stay, as they are computed.
    """
    from torch.nn.utils import parametrize

    names = [MODEL, *list(models)[1:]]
    for name, module in zip(names, models.values(), strict=True):
        for part in [part for part in module.modules() if parametrize.is_parametrized(part)]:
            for weight in list(part.parametrizations):
                parametrize.remove_parametrizations(part, weight, leave_parametrized=True)
        for unread, read in unread_biases(module.transformer).items():
            module.transformer.get_parameter(unread).data.copy_(module.transformer.get_parameter(read).data)
        module.transformer.save_pretrained(folder / name, safe_serialization=True)
    return names


@dataclass(frozen=True)
class Architecture:
    name: str
    paper: str
    sizes: type[Config]
    named_sizes: MappingProxyType[str, Config]
    """mini, small, base, large."""
    heads: Mapping[str, Head]
    """What it can offer an objective."""
    model_inputs: tuple[str, ...]
    """What the exported tokenizer should return for it."""
    build: Build
    weights: Weights
    attentions: tuple[str, ...] = ("eager", "sdpa", "flex_attention")
    """The implementations that its class of transformers accepts; `auto` chooses among them."""
    mask: MaskKind = "additive"
    causal: bool = False
    """A position sees the positions before it alone."""
    writes_targets: bool = False
    """An encoder-decoder: its decoder writes a target, and the encoder alone reads the source."""
    packs: bool = True
    """Whether examples can share a row without seeing each other."""
    cls_last: bool = False
    """The exported tokenizer writes A [SEP] B [SEP] [CLS] and pads at the front, instead of [CLS] A [SEP] B [SEP]."""
    layers: Layers = transformers_layers
    """What compile, gradient checkpointing and FSDP divide the model into. An empty answer is an error."""
    fused: Fused = no_fused_weights
    """Weights that hold several matrices, which Muon takes apart."""
    export: Export = export

    @property
    def shows_scores(self) -> bool:
        """Whether its class computes attention by transformers' interface, through which scores can be read."""
        return VARLEN in self.attentions


def require_layers(architecture: Architecture, module: Any) -> list[nn.Module]:
    """Its layers. Raises ValueError if there are none: nothing would be compiled, checkpointed or divided."""
    layers = list(architecture.layers(module))
    if not layers:
        raise WrongValue(
            "architecture {architecture!r} names no layers of {kind}",
            architecture=architecture.name,
            kind=type(module).__name__,
        )
    return layers
