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

from kobert_pipeline.errors import InputError
from kobert_pipeline.objectives.objective import Batch, Objective, Term
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, Cursor, Drawn, row_count, take_rows
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loader import Parcel, unfold
from kobert_pipeline.training.environment import differences, environment
from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.random_state import random_state, rank_seed, restore, seed_rank

logger = logging.getLogger(__name__)

Sums = dict[str, list[float]]
"""Term name -> [sum, count], added up over batches."""

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
        self.tokens_seen = 0
        self.latest: dict[str, float] = {}
        """Means of the last step's terms."""
        self.gradient_norm: Tensor | None = None
        """Of the last step, before clipping."""
        self.step_began = time.monotonic()
        """When the step began that is being computed, or is to come: after all that callbacks do between steps."""
        self._sums: Sums = {}
        self._random_states: list[dict[str, Any]] = []

    @property
    def horizon(self) -> Horizon:
        return self.stream.horizon

    @horizon.setter
    def horizon(self, horizon: Horizon) -> None:
        self.stream.horizon = horizon

    def on_fit_start(self) -> None:
        self.stream.rank, self.stream.ranks = self.trainer.global_rank, self.trainer.world_size
        if len(self._random_states) != self.trainer.world_size:
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
        self.tokens_seen += int(counts.pop(TOKENS))
        step: Sums = {name: [0.0, 0.0] for name in counts}
        for part, is_last in _with_last(micro_batches(batch, self.config.micro_batch_size)):
            with self._gradients_stay_here(not is_last):
                terms = self.objective.loss(self.model, part, self.generator)  # type: ignore[arg-type]
                add(step, terms)
                self._backward(total_loss(terms, counts))
        if not row_count(batch):
            self._backward(nothing(self.model))
        self._close(step, counts)
        self._update()

    def _over_ranks(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each summed over the ranks."""
        if self.trainer.world_size == 1:
            return values
        vector = torch.stack([value.to(self.device, torch.float64) for value in values.values()])
        return dict(zip(values, self.trainer.strategy.reduce(vector, reduce_op="sum"), strict=True))

    @contextmanager
    def _gradients_stay_here(self, stay: bool) -> Iterator[None]:
        """Ranks exchange gradients once a step, with the last micro-batch."""
        wrapped = self.trainer.strategy.model
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
        if self.trainer.world_size > 1:
            summed = self._over_ranks(
                {name: torch.tensor(values[0], dtype=torch.float64) for name, values in step.items()}
            )
            step = {name: [float(summed[name]), float(counts[name])] for name in step}
        self.latest = means(step)
        for name, (total, count) in step.items():
            known = self._sums.setdefault(name, [0.0, 0.0])
            known[0] += total
            known[1] += count

    def _update(self) -> None:
        """Clips the gradient and takes the step, outside autocast."""
        optimizer, scaler = self.optimizers(), getattr(self.trainer.precision_plugin, "scaler", None)
        with torch.autocast(self.device.type, enabled=False):
            if scaler is not None:
                scaler.unscale_(optimizer.optimizer)
            self.gradient_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()
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
        optimizer = adamw(
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
            "sums": {name: [float(value) for value in values] for name, values in self._sums.items()},
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
        if len(self._random_states) == self.trainer.world_size:
            self.generator.set_state(self._random_states[self.trainer.global_rank]["loss"])
        self.curve, self.tokens_seen, self._sums = state["curve"], state["tokens_seen"], state["sums"]
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
        return min(passes[1:])

    def _pass(self, batch: Batch) -> None:
        for part in micro_batches(batch, self.config.micro_batch_size):
            with self.trainer.precision_plugin.forward_context():
                terms = self.objective.loss(self.model, part, torch.Generator())  # type: ignore[arg-type]
            torch.autograd.backward(total_loss(terms))
        self.model.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @torch.no_grad()
    def held_out(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Means of every term over `batches`, with dropout off. Each rank takes its share of them."""
        sums: Sums = {}
        own = list(batches)
        alone = len(own) < self.trainer.world_size
        if not alone:
            own = own[self.trainer.global_rank :: self.trainer.world_size]
        self.model.eval()
        for batch in own:
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            with self.trainer.precision_plugin.forward_context():
                add(sums, self.objective.loss(self.model, on_device, self.generator))  # type: ignore[arg-type]
        self.model.train()
        return means(sums if alone else self._sums_over_ranks(sums))

    def _sums_over_ranks(self, sums: Sums) -> Sums:
        totals = self._over_ranks({name: torch.tensor(values[0], dtype=torch.float64) for name, values in sums.items()})
        counts = self._over_ranks({name: torch.tensor(values[1], dtype=torch.float64) for name, values in sums.items()})
        return {name: [float(totals[name]), float(counts[name])] for name in sums}


def micro_batches(batch: Batch, rows: int | None) -> list[Batch]:
    """The batch in parts of at most so many rows, of nearly equal numbers; none where it has no row."""
    size = row_count(batch)
    count = -(-size // rows) if rows else min(1, size)
    if count == 1:
        return [batch]
    borders = [size * number // max(1, count) for number in range(count + 1)]
    return [take_rows(batch, first, end) for first, end in pairwise(borders)]


def _with_last(parts: list[Batch]) -> Iterator[tuple[Batch, bool]]:
    """Each part, and whether it is the last."""
    return ((part, number == len(parts) - 1) for number, part in enumerate(parts))


def nothing(model: nn.Module) -> Tensor:
    """A loss of zero on every parameter: a rank without rows takes part in the exchange of gradients all the same."""
    return torch.stack([parameter.sum() for parameter in model.parameters() if parameter.requires_grad]).sum() * 0.0


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
        known = sums.setdefault(name, [0.0, 0.0])
        known[0] += float(term.sum.detach())
        known[1] += float(term.count)


def means(sums: Sums) -> dict[str, float]:
    return {name: total / max(1.0, count) for name, (total, count) in sums.items()}
