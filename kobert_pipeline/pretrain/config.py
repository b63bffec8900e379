"""Settings of the pretraining stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.ground.config import Config, nearest, runtime
from kobert_pipeline.ground.layers import BUDGETS
from kobert_pipeline.ground.stage import StageSpec
from kobert_pipeline.objectives import OBJECTIVES

SPEC = StageSpec(name="pretrain", version=4, libraries=("torch", "transformers", "lightning"))


class Phase(Config):
    """A part of the run with its own length: BERT's 128 pieces for nine tenths, then 512."""

    max_length: int = Field(gt=8)
    """Pieces of one example."""
    share: float = Field(1.0, gt=0, le=1)
    """Share of the run's steps."""
    batch_size: int = Field(gt=0)
    """Examples a step, over all devices and micro-batches; with `row_length`, rows."""
    row_length: int | None = Field(None, gt=8)
    """Packs examples into rows of so many pieces; none sees its neighbours. Without it every example has a row to itself,
    padded to the longest of the batch."""

    @model_validator(mode="after")
    def _rows_hold_an_example(self) -> Phase:
        if self.row_length is not None and self.row_length < self.max_length:
            raise ValueError(f"row_length {self.row_length} does not hold an example of max_length {self.max_length}")
        return self


class BatchWarmup(Config):
    """Batches that grow evenly to their size; a batch's size changes where a block of the store begins."""

    share: float = Field(gt=0, lt=1)
    """Share of the run over which they grow."""
    start: float = Field(0.25, gt=0, le=1)
    """Share of `batch_size` that the first ones have."""


class PretrainConfig(Config):
    objective: dict[str, Any]
    """`name`, one of OBJECTIVES, and its options."""
    architecture: dict[str, Any]
    """`name`, one of ARCHITECTURES, `size` (mini, small, base, large), and single sizes that differ from it."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    source_shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """Share of an epoch's pieces that each source named here has, by reading its documents more or less often; sources not
    named divide the rest as they are."""
    continue_from: str | None = runtime(None)
    """Begin with the weights of a checkpoint: a folder that `save_pretrained` or a run of ours wrote, or `hub:owner/name`.
    Its tokenizer must be the recipe's (see `tokenizer.adopt`). Its files are part of the fingerprint, its path is not."""
    max_steps: int | None = Field(None, gt=0)
    """Optimizer steps of the whole run. A recipe gives one of `max_steps`, `max_tokens`, `max_minutes`; one that a later
    layer gives (a recipe over what it extends, `--set` over the recipe) takes the place of the earlier one."""
    max_tokens: int | None = Field(None, gt=0)
    """Tokens to train on, padding not counted, each time they are seen."""
    max_minutes: float | None = Field(None, gt=0)
    """Time of the whole run, measurements and checkpoints included. Turned into steps once, after 50 measured ones (or a
    tenth of the budget); the checkpoint keeps the number."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon`: Muon for the matrices of the layers, AdamW for the rest, at the same learning rate. In short runs
    a step learns more; see README.md."""
    learning_rate: float = Field(1e-3, gt=0)
    """At the peak."""
    schedule: Literal["linear", "cosine", "wsd"] = "linear"
    warmup_share: float = Field(0.1, ge=0, lt=1)
    batch_warmup: BatchWarmup | None = None
    """Smaller batches at the beginning; nothing: none."""
    weight_decay: float = Field(0.01, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = Field(1e-6, gt=0)
    gradient_clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient; larger ones are scaled down to it."""
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    """bf16: matrix products in bfloat16, weights and their updates in float32. fp16: for GPUs without bfloat16, the loss
    scaled so that small gradients survive."""
    validation_steps: int = Field(1_000, gt=0)
    """Steps between measurements on validation text; there is one before the first step and one after the last."""
    validation_tokens: int = Field(262_144, gt=0)
    """Pieces measured each time, about, drawn evenly from all validation text: of 15 % of so many the mean loss is known to
    about .015 nats, and between two runs, which are measured on the same, to less."""
    pseudo_perplexity_sentences: int = Field(100, ge=0)
    """validation sentences whose pseudo-perplexity is measured after the last step; 0 leaves it out."""
    log_steps: int = Field(20, gt=0)
    """Steps averaged into one row of `losses.csv`."""
    wandb_project: str | None = runtime(None)
    """Also log to this project of Weights & Biases, whose client is not installed along."""
    checkpoint_minutes: float = runtime(5.0, gt=0)
    """A killed run loses at most this much."""
    keep_last: int = runtime(2, ge=1)
    """Checkpoints kept, the newest; one that turns out damaged is passed over for the one before."""
    keep_best: bool = runtime(True)
    """Also keep that of the lowest validation loss."""
    micro_batch_size: int | None = runtime(None, gt=0)
    """Examples (with `row_length`, rows) that a device computes at a time; nothing: its whole part of the batch. Smaller ones
    take less memory; the result is the same but for rounding, and for dropout."""
    gradient_checkpointing: bool = runtime(False)
    """Computes a layer again when its gradient is due instead of keeping what it computed: less memory, a third more time."""
    devices: int = runtime(1, ge=1)
    """GPUs (or processes of a CPU) on this machine, each with its part of every batch."""
    nodes: int = runtime(1, ge=1)
    """Machines, each with so many devices."""
    strategy: Literal["ddp", "fsdp"] = runtime("ddp")
    """How several devices hold the model: `ddp`, each the whole; `fsdp`, divided among them, for models that do not fit one.
    Batches, losses and checkpoints are the same."""
    workers: int = runtime(0, ge=0)
    """Processes that draw batches ahead of training: 0, the training process draws them itself, which is fastest on a CPU.
    The batches are the same."""
    attention: Literal["auto", "eager", "sdpa", "flex_attention"] = runtime("auto")
    """How attention is computed: `auto` takes `sdpa` on a GPU and `eager` without one; `flex_attention` skips what packed
    examples do not see of each other, and needs dropout 0."""

    compile: bool = runtime(False)
    """Each layer by torch.compile, which needs a C++ compiler and some minutes at the start. A tenth slower on a CPU; on GPUs
    not measured."""

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
            raise ValueError(f"size {size!r} is unknown; {nearest(str(size), list(named))}")
        base = named[size].model_dump(mode="json") if size is not None else {}
        sizes = ARCHITECTURES[name].sizes.parse(base | settings, "pretrain.architecture")
        return {"name": name} | sizes.model_dump(mode="json")

    @model_validator(mode="after")
    def _one_budget(self) -> PretrainConfig:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(BUDGETS)}; given are {' and '.join(given) or 'none of them'}")
        return self

    @model_validator(mode="after")
    def _fits(self) -> PretrainConfig:
        objective, architecture = OBJECTIVES[self.objective["name"]], ARCHITECTURES[self.architecture["name"]]
        missing = [head for head in objective.heads if head not in architecture.heads]
        if missing:
            raise ValueError(
                f"objective {objective.name!r} needs the head {missing[0]!r}, which architecture {architecture.name!r} has not"
            )
        total = sum(phase.share for phase in self.phases)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of `phases` add up to {total:g}, not to 1")
        positions = self.architecture.get("positions")
        longest = max(phase.max_length for phase in self.phases)
        if positions is not None and longest > positions:
            raise ValueError(f"max_length {longest} is beyond the architecture's {positions} positions")
        if self.strategy == "fsdp" and self.precision == "fp16":
            raise ValueError("strategy fsdp knows no precision fp16; set bf16 or fp32")
        if self.strategy == "fsdp" and self.compile:
            raise ValueError("strategy fsdp and compile do not go together; leave one of them out")
        if self.strategy == "fsdp" and self.optimizer == "muon":
            raise ValueError(
                "strategy fsdp divides the matrices that optimizer muon needs whole; set adamw, or strategy ddp"
            )
        if self.attention == "flex_attention" and self.architecture.get("dropout"):
            raise ValueError("attention flex_attention knows no dropout; set pretrain.architecture.dropout: 0")
        return self

    def content(self) -> dict[str, Any]:
        """Without what is not given: a recipe that says nothing of a setting is what it was before there was one."""
        return {name: value for name, value in super().content().items() if value is not None}

    @property
    def options(self) -> Config:
        return OBJECTIVES[self.objective["name"]].options.model_validate(_others(self.objective))

    @property
    def sizes(self) -> Config:
        return ARCHITECTURES[self.architecture["name"]].sizes.model_validate(_others(self.architecture))

    @property
    def max_length(self) -> int:
        return max(phase.max_length for phase in self.phases)


def _name(value: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    name = value.get("name")
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"name {name!r} is unknown; {nearest(str(name), list(table))}")
    return name


def _others(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "name"}
