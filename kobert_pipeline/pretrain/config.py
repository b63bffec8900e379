"""Settings of the pretraining stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import Architecture
from kobert_pipeline.architectures.varlen import VARLEN
from kobert_pipeline.ground.config import Config, nearest, runtime
from kobert_pipeline.ground.errors import RecipeError, WrongValue
from kobert_pipeline.ground.layers import BUDGETS
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.stage import StageSpec
from kobert_pipeline.objectives import OBJECTIVES

SPEC = StageSpec(name="pretrain", version=8, libraries=("torch", "transformers", "lightning"))

WITHOUT_DROPOUT = ("flex_attention", VARLEN)
"""Attentions that cannot drop out."""


SMALLEST_HEAD, LARGEST_HEAD = 16, 256
"""Numbers of an attention head: the fewest that torch compiles flex_attention for, the most that FlashAttention takes."""

Momentum = Annotated[float, Field(ge=0, lt=1)]


class Phase(Config):
    """A part of the run with its own length: BERT's 128 tokens for nine tenths, then 512."""

    max_length: int = Field(gt=8)
    """Tokens of one example."""
    share: float = Field(1.0, gt=0, le=1)
    """Share of the run's steps."""
    batch_size: int = Field(gt=0)
    """Examples of one step, over all devices and micro-batches; with `row_length`, rows."""
    row_length: int | None = Field(None, gt=8)
    """Packs examples into rows of this many tokens; no example sees its neighbours. Without it every example has its own
    row, padded to the longest of the batch."""
    objective: dict[str, Any] = Field(default_factory=dict)
    """Options of the objective that are different in this phase, such as `mlm_probability`."""

    @model_validator(mode="after")
    def _rows_hold_an_example(self) -> Phase:
        if self.row_length is not None and self.row_length < self.max_length:
            raise WrongValue(
                "row_length {row_length} does not hold an example of max_length {max_length}",
                row_length=self.row_length, max_length=self.max_length,
            )  # fmt: skip
        return self

    def content(self) -> dict[str, Any]:
        """Without `objective` if nothing is different."""
        return {name: value for name, value in super().content().items() if name != "objective" or value}


class BatchWarmup(Config):
    """Batches that grow evenly to their size. The size changes where a block of the store begins."""

    share: float = Field(gt=0, lt=1)
    """Share of the run over which batches grow."""
    start: float = Field(0.25, gt=0, le=1)
    """Share of `batch_size` that the first batches have."""


class PretrainConfig(Config):
    objective: dict[str, Any]
    """`name`, one of OBJECTIVES, and its options. A phase may change some of them."""
    architecture: dict[str, Any]
    """`name`, one of ARCHITECTURES, `size` (mini, small, base, large), and single sizes that differ from it."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    source_shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """Share of an epoch's tokens that each source named here has: its documents are read more or less often. Sources that are
    not named divide the rest as they are."""
    continue_from: str | None = runtime(None)
    """Begin with the weights of a checkpoint: a folder that `save_pretrained` or a run of ours wrote, or `hub:owner/name`.
    Its tokenizer must be that of the recipe (see `tokenizer.adopt`). Its files are part of the fingerprint, its path is not."""
    max_steps: int | None = Field(None, gt=0)
    """Optimizer steps of the whole run. A recipe sets one of `max_steps`, `max_tokens`, `max_minutes`. These exclude each
    other: the one that a later layer sets (a recipe over what it extends, `--set` over the recipe) replaces the earlier one."""
    max_tokens: int | None = Field(None, gt=0)
    """Tokens to train on, without padding; a token counts each time it is seen."""
    max_minutes: float | None = Field(None, gt=0)
    """Time of the whole run with its measurements and checkpoints. It is converted into steps once, after 50 measured steps (or
    a tenth of the budget); checkpoints store the number."""
    optimizer: Literal["adamw", "muon", "adafactor"] = "adamw"
    """`muon`: Muon for the matrices of the layers, AdamW for all others, at the same learning rate. In short runs one step
    learns more; see README.md. `adafactor`: T5's, whose `learning_rate` is relative to the size of a parameter; the paper has 0.01."""
    learning_rate: float = Field(1e-3, gt=0)
    """At the peak."""
    schedule: Literal["linear", "cosine", "wsd"] = "linear"
    warmup_share: float = Field(0.1, ge=0, lt=1)
    batch_warmup: BatchWarmup | None = None
    """Smaller batches at the beginning; null: none."""
    weight_decay: float = Field(0.01, ge=0)
    betas: tuple[Momentum, Momentum] = (0.9, 0.98)
    epsilon: float = Field(1e-6, gt=0)
    gradient_clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient; larger ones are scaled down to it."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """`auto` is bf16 if the device computes it in hardware, otherwise fp32; a run keeps what it began with. bf16: matrix products in
    bfloat16, weights and their updates in float32. fp16: for GPUs without bfloat16, the loss scaled so that small gradients
    survive."""
    validation_steps: int = Field(1_000, gt=0)
    """Steps between measurements on the validation data. The first comes before the first step, the last after the last."""
    validation_tokens: int = Field(262_144, gt=0)
    """Tokens of one measurement, approximately, drawn evenly from all validation data. With 15 % of the default masked, the
    mean loss is known to about .015 nats; between two runs, which are measured on the same tokens, to less."""
    measured_sentences: int = Field(100, ge=0)
    """Validation sentences on which the objective's further measures (pseudo-perplexity) are taken after the last step; 0
    leaves them out."""
    log_steps: int = Field(20, gt=0)
    """Steps averaged into one row of `losses.csv`."""
    wandb_project: str | None = runtime(None)
    """Also log to this project of Weights & Biases. Its client must be installed separately."""
    checkpoint_minutes: float = runtime(5.0, gt=0)
    """Minutes between checkpoints. A killed run loses at most this much."""
    keep_last: int = runtime(2, ge=1)
    """The number of newest checkpoints that are kept. A damaged one is skipped for the one before it."""
    keep_best: bool = runtime(True)
    """Also keep the checkpoint with the lowest validation loss."""
    micro_batch_size: int | None = runtime(None, gt=0)
    """Examples (with `row_length`, rows) that a device computes at a time; null: its whole part of the batch. Smaller ones
    take less memory. The result is the same but for rounding and dropout."""
    gradient_checkpointing: bool = runtime(False)
    """Computes a layer again when its gradient is due, and does not keep its results: less memory, a third more time."""
    devices: int = runtime(1, ge=1)
    """GPUs (or processes of a CPU) on this machine. Each has its part of every batch."""
    nodes: int = runtime(1, ge=1)
    """Machines, each with `devices` devices."""
    strategy: Literal["ddp", "fsdp"] = runtime("ddp")
    """How several devices hold the model: `ddp`, each device the whole; `fsdp`, divided among the devices, for models that do
    not fit on one. Batches, losses and checkpoints are the same."""
    workers: int = runtime(0, ge=0)
    """Processes that draw batches ahead of training. 0: the training process draws them itself, which is fastest on a CPU. The
    batches are the same."""
    attention: Literal["auto", "eager", "sdpa", "flex_attention", "varlen"] = runtime("auto")
    """How attention is computed. `auto` takes `sdpa` on a GPU, if the architecture offers it, and `eager` otherwise.
    `varlen` is FlashAttention that knows where the examples of a row end; `flex_attention` skips what they do not see of each
    other. Both need dropout 0, `varlen` also bf16 or fp16."""
    compile: bool = runtime(False)
    """Compiles each layer with torch.compile, which needs a C++ compiler and some minutes at the start. A tenth slower on a
    CPU, a fifth faster on a GPU (BERT-base on an H200)."""

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, value: dict[str, Any]) -> dict[str, Any]:
        name = _name(value, OBJECTIVES)
        options = OBJECTIVES[name].options.parse(_others(value), "pretrain.objective")
        return {"name": name} | options.model_dump(mode="json")

    @field_validator("architecture")
    @classmethod
    def _known_architecture(cls, value: dict[str, Any]) -> dict[str, Any]:
        name = _name(value, ARCHITECTURES)
        settings = _others(value)
        named = ARCHITECTURES[name].named_sizes
        size = settings.pop("size", None)
        if size is not None and size not in named:
            raise WrongValue("size {size!r} is unknown; {meant}", size=size, meant=nearest(str(size), list(named)))
        base = named[size].model_dump(mode="json") if size is not None else {}
        sizes = ARCHITECTURES[name].sizes.parse(base | settings, "pretrain.architecture")
        return {"name": name} | sizes.model_dump(mode="json")

    @model_validator(mode="after")
    def _one_budget(self) -> PretrainConfig:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        if len(given) != 1:
            raise WrongValue(
                "give one of {budgets}; given are {given}",
                budgets=", ".join(BUDGETS), given=", ".join(given) or say("none of them"),
            )  # fmt: skip
        return self

    @model_validator(mode="after")
    def _fits(self) -> PretrainConfig:
        self._require_heads()
        self._require_lengths()
        self._require_what_the_architecture_can_do()
        self._require_what_the_strategy_supports()
        for number in range(len(self.phases)):
            self.options_in(number)
        return self

    def _require_heads(self) -> None:
        objective, architecture = OBJECTIVES[self.objective["name"]], ARCHITECTURES[self.architecture["name"]]
        for role in objective.models(self.options).values():
            missing = [] if role.checkpoint else [head for head in role.heads if head not in architecture.heads]
            if missing:
                raise WrongValue(
                    "objective {objective!r} needs the head {missing!r}, which architecture {architecture!r} does not provide",
                    objective=objective.name, missing=missing[0], architecture=architecture.name,
                )  # fmt: skip

        if objective.reads_scores:
            self._require_scores(architecture)
        for problem in (
            objective.problem(self.options, self.sizes),
            objective.length_problem(self.options, self.max_length),
        ):
            if problem:
                raise WrongValue("objective {objective!r}: {problem}", objective=objective.name, problem=problem)

    def _require_scores(self, architecture: Architecture) -> None:
        """Attention scores are read from plain products over rows that hold one example each."""
        name = self.objective["name"]
        if not architecture.shows_scores:
            raise WrongValue(
                "objective {name!r} needs attention scores, which architecture {architecture!r} does not show",
                name=name, architecture=architecture.name,
            )  # fmt: skip
        if self.attention not in ("auto", "eager"):
            raise WrongValue(
                "attention {attention} shows no scores, which objective {name!r} needs; set auto or eager",
                attention=self.attention, name=name,
            )  # fmt: skip
        if self.compile or any(phase.row_length is not None for phase in self.phases):
            raise WrongValue(
                "objective {name!r} reads the scores of whole rows; leave out compile and phases.row_length",
                name=name,
            )

    def _require_lengths(self) -> None:
        total = sum(phase.share for phase in self.phases)
        if abs(total - 1) > 1e-6:
            raise WrongValue("the shares of `phases` add up to {total:g}, not to 1", total=total)
        positions = self.architecture.get("positions")
        if positions is not None and self.max_length > positions:
            raise WrongValue(
                "max_length {max_length} is beyond the architecture's {positions} positions",
                max_length=self.max_length, positions=positions,
            )  # fmt: skip

    def _require_what_the_architecture_can_do(self) -> None:
        architecture = ARCHITECTURES[self.architecture["name"]]
        if not architecture.packs and any(phase.row_length is not None for phase in self.phases):
            raise WrongValue(
                "phases.row_length: architecture {architecture!r} cannot keep examples of one row apart; leave it out",
                architecture=architecture.name,
            )
        if self.attention != "auto" and self.attention not in architecture.attentions:
            raise WrongValue(
                "attention {attention} is not offered by architecture {architecture!r}; set auto, or one of {attentions}",
                attention=self.attention, architecture=architecture.name, attentions=", ".join(architecture.attentions),
            )  # fmt: skip
        if self.attention in WITHOUT_DROPOUT and self.architecture.get("dropout"):
            raise WrongValue(
                "attention {attention} does not support dropout; set pretrain.architecture.dropout: 0",
                attention=self.attention,
            )
        if self.attention == VARLEN and self.precision == "fp32":
            raise WrongValue("attention varlen does not support precision fp32; set auto, bf16 or fp16")
        self._require_head_size()

    def _require_head_size(self) -> None:
        hidden, heads = self.architecture.get("hidden"), self.architecture.get("heads")
        if hidden is None or heads is None:
            return
        size = hidden // heads
        if self.attention == VARLEN and (size % 8 or size > LARGEST_HEAD):
            raise WrongValue(
                "attention varlen takes heads whose size is a multiple of 8 and at most {largest_head}, not {size} (hidden {hidden} by heads {heads})",
                largest_head=LARGEST_HEAD, size=size, hidden=hidden, heads=heads,
            )  # fmt: skip
        if self.attention == "flex_attention" and size < SMALLEST_HEAD:
            raise WrongValue(
                "attention flex_attention takes heads of {smallest_head} or more, not {size} (hidden {hidden} by heads {heads})",
                smallest_head=SMALLEST_HEAD, size=size, hidden=hidden, heads=heads,
            )  # fmt: skip

    def _require_what_the_strategy_supports(self) -> None:
        if self.strategy != "fsdp":
            return
        if self.precision == "fp16":
            raise WrongValue("strategy fsdp does not support precision fp16; set bf16 or fp32")
        if self.compile:
            raise WrongValue("strategy fsdp does not support compile; leave one of them out")
        if self.optimizer != "adamw":
            raise WrongValue(
                "strategy fsdp divides the matrices that optimizer {name} needs whole; set adamw, or strategy ddp",
                name=self.optimizer,
            )

    def content(self) -> dict[str, Any]:
        """Without what is not set, so that a new setting changes no fingerprint of a recipe that does not name it."""
        objective = {"name": self.objective["name"]} | self.options.content()
        architecture = {"name": self.architecture["name"]} | self.sizes.content()
        content = super().content() | {"objective": objective, "architecture": architecture}
        return {name: value for name, value in content.items() if value is not None}

    @property
    def options(self) -> Config:
        """The objective's options, which validation uses in every phase."""
        return OBJECTIVES[self.objective["name"]].options.model_validate(_others(self.objective))

    def options_in(self, phase: int) -> Config:
        """The objective's options in phase number `phase`. Raises RecipeError for one that cannot change between phases."""
        objective, changes = OBJECTIVES[self.objective["name"]], self.phases[phase].objective
        where = f"pretrain.phases[{phase}].objective"
        for name in changes:
            if name not in objective.per_phase:
                known = [field for field in objective.options.model_fields if field in objective.per_phase]
                raise RecipeError(
                    "{where}.{name}: cannot change between phases; {meant}",
                    where=where, name=name, meant=nearest(name, known),
                )  # fmt: skip
        return objective.options.parse(_others(self.objective) | changes, where)

    @property
    def annotations(self) -> tuple[str, ...]:
        """What the objective reads from the store besides tokens, in any phase."""
        read = OBJECTIVES[self.objective["name"]].annotations
        names = [name for phase in range(len(self.phases)) for name in read(self.options_in(phase))]
        return tuple(dict.fromkeys(names))

    @property
    def sizes(self) -> Config:
        return ARCHITECTURES[self.architecture["name"]].sizes.model_validate(_others(self.architecture))

    @property
    def max_length(self) -> int:
        return max(phase.max_length for phase in self.phases)


def _name(value: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    name = value.get("name")
    if not isinstance(name, str) or name not in table:
        raise WrongValue("name {name!r} is unknown; {meant}", name=name, meant=nearest(str(name), list(table)))
    return name


def _others(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "name"}
