"""The contract of an objective: what is learned. One file per objective; the table is in `kobert_pipeline.objectives`.

Shapes: B rows of L tokens, H hidden size, V vocabulary, n chosen positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import Block, Store
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.masking.generators import RowGenerator

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Batch = dict[str, "Tensor"]
"""Name -> tensor with B rows, one example each: what models take and a loss reads. No objective deals with packing: it adds
`packing`, by which a model lays examples into rows and takes their hidden states out again."""


@dataclass(frozen=True)
class Term:
    """One part of a loss, or a metric (weight 0): a sum and a count, so that ranks and micro-batches add up right."""

    sum: Tensor
    count: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class TokenizerInfo:
    """What objectives and architectures need to know about the tokenizer."""

    vocab_size: int
    pad_id: int
    unk_id: int
    cls_id: int
    sep_id: int
    mask_id: int
    replacements: np.ndarray
    """Ids of ordinary tokens: neither special nor unused."""
    characters: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """(V,) the characters that each token adds to a text."""
    special: Mapping[str, int] = field(default_factory=dict)
    """The id of every special token."""
    unused: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Ids of the unused tokens."""


@dataclass(frozen=True)
class BatchContext:
    """What `collate` may depend on besides the examples: the tokenizer, each row's random words, training or validation."""

    tokenizer: TokenizerInfo
    generator: RowGenerator
    training: bool = True


# --- the models of a run ---------------------------------------------------------------------------------------------

STUDENT, GENERATOR, TEACHER = "student", "generator", "teacher"
EXPORTED = "_exported"
"""After the name of a term: its value for the model as it is exported, where training has more than that."""


class Layers(NamedTuple):
    """What a model of N layers with A heads computes on its way."""

    states: Sequence[Tensor]
    """N + 1 of (B, L, H): the embeddings, then every layer."""
    scores: Sequence[Tensor]
    """N of (B, A, L, L): attention scores as they are before mask and softmax."""


class Learner(Protocol):
    """What a loss may ask of one model: see `kobert_pipeline.architectures.wrapped`."""

    @property
    def hidden_size(self) -> int:
        """H."""

    def hidden(self, batch: Batch) -> Tensor:
        """Last hidden states (B, L, H)."""

    def exported(self, batch: Batch) -> Tensor | None:
        """The same (B, L, H) as the exported model computes it; None if training has nothing that is not exported."""

    def layers(self, batch: Batch) -> Layers:
        """What every layer computes; only for an objective that `reads_scores`."""

    def logits(self, head: str, states: Tensor) -> Tensor:
        """What the head makes of hidden states. `tokens`: (n, H) -> (n, V); `sequence_pair`: (B, L, H) -> (B, 2)."""


class Learners(Protocol):
    """The models of a run by role, and the objective's own parts: what a loss is given."""

    training: bool

    @property
    def student(self) -> Learner: ...

    @property
    def parts(self) -> Any:
        """What `Objective.parts` made, by name."""

    def __getitem__(self, role: str) -> Learner: ...


def same_sizes(options: Any, sizes: Any) -> Any:
    """A model as large as the student."""
    return sizes


@dataclass(frozen=True)
class Role:
    """One model of a run."""

    heads: tuple[str, ...]
    """What the objective asks of its architecture."""
    sizes: Callable[[Any, Any], Any] = same_sizes
    """(options, the student's sizes) -> its sizes, of the same class."""
    checkpoint: str = ""
    """The name of the input (`Inputs.folders`) that holds its weights. Such a model is frozen: it is not trained, not
    stored in checkpoints and not exported, and its architecture is that of its folder."""
    begins_as: str = ""
    """The role of a frozen model of the same widths, from which it takes embeddings, heads and evenly chosen layers before
    training."""


def _nothing(*_: Any) -> Any:
    """No inputs, no parts."""
    return {}


@dataclass(frozen=True)
class Inputs:
    """What an objective needs besides the store."""

    identity: Callable[[Any, FileHashes], dict[str, str]] = _nothing
    """(options, hashes of files) -> name -> sha256 or commit: a part of the fingerprint."""
    addresses: Callable[[Any, Path], dict[str, str]] = _nothing
    """(options, artifacts folder) -> name -> the folder or `hub:owner/name` of a checkpoint, checked before anything is run."""
    folders: Callable[[Any, Mapping[str, str], Path], dict[str, Path]] = _nothing
    """(options, what `identity` said, artifacts folder) -> name -> folder on this machine."""


Models = Callable[[Any], Mapping[str, Role]]
"""Options -> the models of a run by role. One of them is the STUDENT, which is exported and evaluated."""
Parts = Callable[[Any, Learners, TokenizerInfo], Mapping[str, "nn.Module"]]
"""(options, models, tokenizer) -> further modules that are trained and belong to the objective, not to an exported model."""
Share = Callable[[Any, Learners], None]
"""(options, models): ties weights between models, as ELECTRA ties embeddings."""


class OneModel:
    """The models of an objective that trains a student alone. An object, because workers get objectives pickled."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        self.roles = {STUDENT: Role(heads)}

    def __call__(self, _: Any) -> Mapping[str, Role]:
        return self.roles


def only_student(*heads: str) -> Models:
    """One model, with these heads."""
    return OneModel(heads)


# --- what a run is measured by ---------------------------------------------------------------------------------------

Unit = Literal["nats", "bits", "share", ""]


@dataclass(frozen=True)
class Figure:
    """A term or a measure, as curves, pages and cards show it."""

    name: str
    title: str
    """`Masked tokens predicted right`."""
    unit: Unit = ""
    chance: float | None = None
    """The value for a model that knows nothing; drawn as a level."""
    better: Literal[1, -1] = 1
    """Whether more is better, or less."""
    group: str = ""
    """Figures of one group are parts of another figure, and are shown as one table."""


class TextFigures(NamedTuple):
    """What is known of the training text before training."""

    unigram_entropy: float
    """Nats per token."""
    characters_per_token: float | None = None
    """None for a tokenizer that does not give a text back as it was."""


@dataclass(frozen=True)
class Chance:
    """The headline's value for a model that knows nothing."""

    name: str
    """`unigram entropy`."""
    value: Callable[[TextFigures, Any], float]
    """(figures of the training text, options) -> the value."""


def _entropy(text: TextFigures, _: Any) -> float:
    return text.unigram_entropy


UNIGRAM_ENTROPY = Chance("unigram entropy", _entropy)
"""For a loss per token: the loss of a model that knows how frequent each token is."""


class Baseline(NamedTuple):
    """The headline of a simple model that has seen the same training text, on the same validation batches."""

    name: str
    """`5-gram bits per character`."""
    value: float


@dataclass(frozen=True)
class Measure:
    """Figures that are taken once, after the last step, in one pass over their batches."""

    figures: tuple[Figure, ...]
    batches: Callable[[Store, int, int, TokenizerInfo], list[Batch]]
    """(store, number of validation sentences, longest example in tokens, tokenizer) -> what is measured on."""
    values: Callable[[Learners, Sequence[Batch], torch.device], tuple[float, ...]]
    """In the order of `figures`."""


# --- the objective ---------------------------------------------------------------------------------------------------

Plan = Callable[[Block, PlanContext, Any], Examples]
Collate = Callable[[Examples, np.ndarray, BatchContext, Any], Batch]
"""(examples of a block, which of them (B,), context, options) -> tensors with B rows."""
Loss = Callable[[Any, Batch, "torch.Generator", Any], dict[str, Term]]
"""(Learners, batch, generator of samples that are drawn inside the loss, options) -> terms by name."""
Counts = Callable[[Batch], dict[str, "Tensor"]]
"""Batch -> the count of every term that its loss will give, known before the model runs: the counts are summed over ranks
and micro-batches before anything is divided by them."""


def no_special_tokens(_: Any) -> tuple[str, ...]:
    """The objective needs the usual special tokens alone."""
    return ()


def no_annotations(_: Any) -> tuple[str, ...]:
    """The objective needs the tokens alone."""
    return ()


def no_problem(*_: Any) -> str:
    """Options fit sizes of every kind."""
    return ""


@dataclass(frozen=True)
class Objective:
    name: str
    paper: str
    options: type[Config]
    models: Models
    plan: Plan
    collate: Collate
    loss: Loss
    counts: Counts
    headline: str
    """The loss term that curves, best checkpoint, alarms, page and card follow; less is better."""
    figures: tuple[Figure, ...]
    """How terms are shown, the headline first."""
    use: str
    """What the exported student is for: a name of `kobert_pipeline.uses.USES`."""
    figures_if_measured: tuple[Figure, ...] = ()
    """Figures of terms that only some models give, shown after the others."""
    chance: Chance = UNIGRAM_ENTROPY
    baseline: Callable[[Store, Sequence[Batch], TokenizerInfo], Baseline] | None = None
    """(store, validation batches, tokenizer) -> what a simple model reaches. Measured once, after the last step."""
    measures: tuple[Measure, ...] = ()
    special_tokens: Callable[[Any], tuple[str, ...]] = no_special_tokens
    """Options -> what it needs in the vocabulary beyond [PAD] [UNK] [CLS] [SEP] [MASK]."""
    annotations: Callable[[Any], tuple[str, ...]] = no_annotations
    """Options -> names of the store's annotations that it reads, checked before training."""
    parts: Parts = _nothing
    share: Share = _nothing
    inputs: Inputs = Inputs()
    per_phase: tuple[str, ...] = ()
    """Options that may change between the phases of a run."""
    problem: Callable[[Any, Any], str] = no_problem
    """(options, the student's sizes) -> why they do not fit each other, empty if they do. Asked before anything is run."""
    length_problem: Callable[[Any, int], str] = no_problem
    """(options, the longest example in tokens) -> the same."""
    teacher_problem: Callable[[Any, Any, Any], str] = no_problem
    """(options, the student's sizes, those of a frozen model) -> why they do not fit each other, empty if they do."""
    reads_scores: bool = False
    """The loss reads attention scores (`Learner.layers`): attention is computed plainly, and every example has its own row."""
    writes: bool = False
    """The finished model writes text, so the tokenizer has to give a text back as it was (`tokenizer.model: bpe`)."""
    open_end: bool = False
    """The finished model goes on where a text ends, so the tokenizer writes nothing there."""
    label_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a label (B,) -> what its values mean, for people who look at a batch."""

    def heads(self, options: Any) -> tuple[str, ...]:
        """What it asks of the student's architecture."""
        return self.models(options)[STUDENT].heads
