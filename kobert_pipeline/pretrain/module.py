"""The one LightningModule, for every objective and architecture."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives.objective import Batch, Objective, Term
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, Cursor, Drawn, row_count, take_rows
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loader import Parcel, unfold
from kobert_pipeline.training.environment import differences, environment
from kobert_pipeline.training.optimizer import OPTIMIZERS
from kobert_pipeline.training.random_state import random_state, rank_seed, restore, seed_rank
from kobert_pipeline.training.sharding import compute, divide, exchange_gradients, is_divided, mesh_of, whole

logger = logging.getLogger(__name__)

Sums = dict[str, Tensor]
"""Term name -> (2,) its sum and count in float64, added up over batches where they were computed: on a GPU adding waits for
nothing, reading does."""

PASSES = 3
"""Timed passes over a batch of a phase that is still to come."""

TOKENS = "tokens"
"""Counted like a term: pieces of a batch, padding left out."""


class PretrainModule(lightning.LightningModule):
    """Steps an objective's loss over a model. Its checkpoint holds all that resuming bit for bit needs besides Lightning's
    own state: the stream's cursor, the random states of every rank (dropout, samples drawn inside a loss), the run's length, and
    the loss curve so far.

    A step is optimized here, not by Lightning, because what a micro-batch's sums are divided by is known only over all
    micro-batches and ranks.
    """

    def __init__(self, model: nn.Module, objective: Objective, config: PretrainConfig, stream: BatchStream) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.objective, self.config, self.stream = model, objective, config, stream
        self.generator = torch.Generator()
        """Of samples drawn inside a loss."""
        self.cursor = stream.cursor.state()
        self.curve: list[dict[str, float]] = []
        self.latest: dict[str, Tensor] = {}
        """Means of the last step's terms, in float64."""
        self.gradient_norm: Tensor | None = None
        """Of the last step, before clipping."""
        self._tokens = torch.zeros((), dtype=torch.int64)
        self._broken = torch.zeros(())
        """1 from the first step on whose loss or gradient is no number: it is not taken, and none after it."""
        self.step_began = time.monotonic()
        """When the step began that is being computed, or is to come: after all that callbacks do between steps."""
        self.validation_seconds = 0.0
        """What the last measurement on validation text took; 0 before there was one."""
        self._sums: Sums = {}
        self._random_states: list[dict[str, Any]] = []

    @property
    def horizon(self) -> Horizon:
        return self.stream.horizon

    @horizon.setter
    def horizon(self, horizon: Horizon) -> None:
        self.stream.horizon = horizon

    @property
    def tokens_seen(self) -> int:
        """Over all ranks, padding not counted. Reading it waits for the device."""
        return int(self._tokens)

    def configure_model(self) -> None:
        mesh = mesh_of(self.trainer.strategy)
        if mesh is not None and not is_divided(self.model):
            divide(self.model, mesh)

    def on_fit_start(self) -> None:
        self.stream.rank, self.stream.ranks = self.trainer.global_rank, self.trainer.world_size
        self._seed_generator()

    def _seed_generator(self) -> None:
        """As the checkpoint left it; without one, or with another number of ranks, by the rank and the batch."""
        if len(self._random_states) == self.trainer.world_size:
            self.generator.set_state(self._random_states[self.trainer.global_rank]["loss"])
        else:
            self.generator.manual_seed(rank_seed(self.stream.seed, self.global_rank, self.cursor["batch"]))

    def on_train_start(self) -> None:
        self.step_began = time.monotonic()
        if self.global_rank:
            seed_rank(self.stream.seed, self.global_rank, self.global_step)

    def on_after_batch_transfer(self, drawn: Any, dataloader_idx: int) -> Drawn:
        batch, cursor = drawn
        return unfold(batch) if isinstance(batch, Parcel) else batch, cursor

    def on_train_batch_start(self, drawn: Any, batch_idx: int) -> None:
        """After everything that draws random numbers while a run is set up."""
        if len(self._random_states) == self.trainer.world_size:
            restore(self._random_states[self.global_rank])
        elif self._random_states:
            seed_rank(self.stream.seed, self.global_rank, self.global_step)
        self._random_states = []

    def training_step(self, drawn: Drawn, batch_idx: int) -> None:
        batch, self.cursor = drawn
        counts = self._over_ranks(self.objective.counts(batch) | {TOKENS: batch["attention_mask"].sum()})
        self._tokens = self._tokens.to(self.device) + counts.pop(TOKENS).long()
        step: Sums = {name: torch.zeros(2, dtype=torch.float64, device=self.device) for name in counts}
        for part, is_own, is_last in self._parts(batch):
            with self._gradients_stay_here(not is_last):
                terms = compute(self.model, self.objective.loss, part, self.generator)
                loss = total_loss(terms, counts)
                if is_own:
                    add(step, terms)
                self._backward(loss if is_own else 0.0 * loss)
        self._close(step, counts)
        self._update()

    def _parts(self, batch: Batch) -> Iterator[tuple[Batch, bool, bool]]:
        """The micro-batches; whether each holds rows of this rank's, and whether it is the last. There is one at least: ranks
        exchange gradients together. Where parameters are divided there are as many on all: they gather them together."""
        own = micro_batches(batch, self.config.micro_batch_size)
        count = max(1, len(own))
        if is_divided(self.model) and self.config.micro_batch_size is not None:
            count = int(self.trainer.strategy.reduce(torch.tensor(count, device=self.device), reduce_op="max"))
        for number in range(count):
            yield own[number] if number < len(own) else blank(batch), number < len(own), number == count - 1

    def _over_ranks(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each summed over the ranks. Not by the strategy's `reduce`, whose barrier would wait for the GPU."""
        if self.trainer.world_size == 1:
            return values
        vector = torch.stack([value.to(self.device, torch.float64) for value in values.values()])
        torch.distributed.all_reduce(vector)
        return dict(zip(values, vector, strict=True))

    @contextmanager
    def _gradients_stay_here(self, stay: bool) -> Iterator[None]:
        """Ranks exchange gradients once a step, with the last micro-batch."""
        wrapped = self.trainer.strategy.model
        if is_divided(self.model):
            exchange_gradients(self.model, not stay)
        if not (stay and isinstance(wrapped, DistributedDataParallel)):
            yield
            return
        with wrapped.no_sync():
            yield

    def _backward(self, loss: Tensor) -> None:
        """Times the number of ranks: their gradients are averaged, and the loss is divided by counts over all of them."""
        with torch.autocast(self.device.type, enabled=False):
            self.manual_backward(loss * self.trainer.world_size if self.trainer.world_size > 1 else loss)

    def _close(self, step: Sums, counts: dict[str, Tensor]) -> None:
        """Adds the step's sums over ranks and micro-batches to the open row of the curve."""
        summed = self._over_ranks({name: pair[0] for name, pair in step.items()})
        closed = {name: torch.stack([summed[name], counts[name].double()]) for name in step}
        self.latest = {name: pair[0] / pair[1].clamp(min=1) for name, pair in closed.items()}
        self._sums = {
            name: self._sums[name].to(pair.device) + pair if name in self._sums else pair
            for name, pair in closed.items()
        }

    def _update(self) -> None:
        """Clips the gradient and takes the step, outside autocast."""
        optimizer, scaler = self.optimizers(), getattr(self.trainer.precision_plugin, "scaler", None)
        with torch.autocast(self.device.type, enabled=False):
            if scaler is not None:
                scaler.unscale_(optimizer.optimizer)
            norm = whole(nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip))
            if scaler is None:  # which leaves out such steps itself
                figures = torch.stack([*self.latest.values(), norm.double()])
                self._broken = torch.maximum(self._broken.to(norm.device), 1 - figures.isfinite().all().float())
                optimizer.optimizer.found_inf = self._broken  # a fused optimizer looks at it on the device
            optimizer.step()
            optimizer.zero_grad()
        self.gradient_norm = norm
        self.lr_schedulers().step()

    def on_train_batch_end(self, *_: Any) -> None:
        self.step_began = time.monotonic()

    def record(self) -> None:
        """Closes a row of the curve every `log_steps`, once however often it is asked. Called by the first of the callbacks:
        Lightning asks the module after all of them, when a checkpoint of this step is written already."""
        if self.curve and self.curve[-1]["step"] == self.global_step:
            return
        if self.global_step % self.config.log_steps == 0 or self.global_step == self.horizon.total:
            values = means(self._sums)
            rate = self.trainer.optimizers[0].param_groups[0]["lr"]
            self.curve.append({"step": self.global_step, "tokens": self.tokens_seen, "learning_rate": rate} | values)
            self.log_dict(values | {"learning_rate": rate}, batch_size=1)
            self._sums = {}

    def configure_optimizers(self) -> Any:
        config = self.config
        optimizer = OPTIMIZERS[config.optimizer](
            self.model,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=config.betas,
            epsilon=config.epsilon,
        )
        factor = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.horizon.factor(step))
        return {"optimizer": optimizer, "lr_scheduler": factor}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["kobert"] = {
            "cursor": self.cursor,
            "random_states": self._random_state_of_every_rank(),
            "horizon": self.horizon.state(),
            "environment": environment(self.trainer.world_size),
            "curve": self.curve,
            "tokens_seen": self.tokens_seen,
            "sums": read(self._sums),
        }

    def _random_state_of_every_rank(self) -> list[dict[str, Any]]:
        own = random_state() | {"loss": self.generator.get_state()}
        if self.trainer.world_size == 1:
            return [own]
        states: list[Any] = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(states, own)
        return states

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["kobert"]
        self.cursor, self.stream.cursor = state["cursor"], Cursor(**state["cursor"])
        self.horizon = Horizon(self.config, **state["horizon"])
        self._random_states = state["random_states"]
        self._seed_generator()
        self.curve, self._tokens = state["curve"], torch.tensor(state["tokens_seen"])
        self._sums = {name: torch.tensor(pair, dtype=torch.float64) for name, pair in state["sums"].items()}
        changed = differences(state["environment"], environment(self.trainer.world_size))
        if changed and self.trainer.is_global_zero:
            logger.warning(
                "pretrain: the checkpoint was written elsewhere (%s): the run goes on, but not to the same last bits.",
                "; ".join(changed),
            )

    def seconds_of(self, batch: Batch) -> float:
        """Of one pass forward and back over this rank's rows of a batch: the shortest of PASSES, after one that is not timed.

        Leaves no trace: random state and gradients are as before. Raises InputError where the memory is too small.
        """
        on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
        state, passes = random_state(), []
        try:
            for _ in range(1 + PASSES):
                began = time.monotonic()
                self._pass(on_device)
                passes.append(time.monotonic() - began)
        except torch.OutOfMemoryError:
            rows, length = batch.get("packing", batch["attention_mask"]).shape
            raise InputError(
                f"{rows} rows of {length} pieces do not fit into the memory of {self.device}: set pretrain.micro_batch_size to fewer."
            ) from None
        restore(state)
        return min(passes[1:]) if row_count(batch) else 0.0

    def _pass(self, batch: Batch) -> None:
        for part, _, _ in self._parts(batch):
            with self.trainer.precision_plugin.forward_context():
                terms = compute(self.model, self.objective.loss, part, torch.Generator())
            torch.autograd.backward(total_loss(terms))
        self.model.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @torch.no_grad()
    def measure(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Means of every term over `batches`, with dropout off. Each rank takes its share of them."""
        began = time.perf_counter()
        sums: Sums = {}
        every, ranks = list(batches), self.trainer.world_size
        alone = len(every) < ranks
        own = every if alone else every[self.trainer.global_rank :: ranks]
        rounds = len(every) if alone else -(-len(every) // ranks)
        self.model.eval()
        for number in range(rounds):  # as many on every rank: see `_parts`
            batch = own[min(number, len(own) - 1)]
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            with self.trainer.precision_plugin.forward_context():
                terms = compute(self.model, self.objective.loss, on_device, self.generator)
            if number < len(own):
                add(sums, terms)
        self.model.train()
        found = means(sums if alone else self._over_ranks(sums))
        self.validation_seconds = time.perf_counter() - began
        return found


def micro_batches(batch: Batch, rows: int | None) -> list[Batch]:
    """The batch in parts of at most so many rows, of nearly equal numbers; none where it has no row."""
    size = row_count(batch)
    count = -(-size // rows) if rows else min(1, size)
    if count == 1:
        return [batch]
    borders = [size * number // max(1, count) for number in range(count + 1)]
    return [take_rows(batch, first, end) for first, end in pairwise(borders)]


def blank(batch: Batch) -> Batch:
    """One row of the batch's widths that means nothing: what a rank without rows computes, to take part in the exchange of
    gradients all the same."""
    return {
        name: tensor.new_full((1, *tensor.shape[1:]), int(name == "attention_mask")) for name, tensor in batch.items()
    }


def total_loss(terms: dict[str, Term], counts: dict[str, Tensor] | None = None) -> Tensor:
    """The weighted sum of each term's sum by its count: `counts` where the terms are of a part of a batch."""
    counted = counts or {name: term.count for name, term in terms.items()}
    weighted = [
        term.weight * term.sum / counted[name].to(term.sum.dtype).clamp(min=1)
        for name, term in terms.items()
        if term.weight
    ]
    return torch.stack(weighted).sum()


def add(sums: Sums, terms: dict[str, Term]) -> None:
    for name, term in terms.items():
        pair = torch.stack([term.sum.detach().double(), term.count.double()])
        sums[name] = sums[name] + pair if name in sums else pair


def read(sums: Sums) -> dict[str, list[float]]:
    """Each sum and count as a plain number, in one transfer."""
    return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True)) if sums else {}


def means(sums: Sums) -> dict[str, float]:
    return {name: total / max(1.0, count) for name, (total, count) in read(sums).items()}
