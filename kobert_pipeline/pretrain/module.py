"""The one LightningModule, for every objective and architecture."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives.objective import Batch, Objective
from kobert_pipeline.pretrain.batch_rows import blank, micro_batches, row_count
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, Cursor, Drawn
from kobert_pipeline.pretrain.flops import Cost
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loader import Parcel, unfold
from kobert_pipeline.pretrain.models import Models, architecture_of
from kobert_pipeline.pretrain.sums import Sums, add, means, read, total_loss
from kobert_pipeline.training.environment import differences, environment
from kobert_pipeline.training.optimizer import OPTIMIZERS
from kobert_pipeline.training.random_state import random_state, rank_seed, restore, seed_rank
from kobert_pipeline.training.sharding import compute, divide, exchange_gradients, is_divided, mesh_of, whole

logger = logging.getLogger(__name__)


PASSES = 3
"""Timed passes over a batch of a later phase."""

COUNTED = 4
"""Examples of each length on which FLOPs are counted."""

TOKENS = "tokens"
"""Counted like a term: the tokens of a batch without padding."""


class PretrainModule(lightning.LightningModule):
    """Steps an objective's loss over the models of a run. Its checkpoint holds all that resuming bit for bit needs besides
    Lightning's own state: the stream's cursor, the random states of every rank (dropout, samples drawn inside a loss), the run's
    length, and the loss curve so far.

    A step is optimized here, not by Lightning, because the sums of a micro-batch are divided by counts over all micro-batches
    and ranks.
    """

    def __init__(
        self,
        model: Models,
        objective: Objective,
        config: PretrainConfig,
        stream: BatchStream,
        layers: Sequence[nn.Module],
    ) -> None:
        """`layers`: what FSDP divides."""
        super().__init__()
        self.automatic_optimization = False
        self.model, self.objective, self.config, self.stream = model, objective, config, stream
        self._layers = list(layers)
        self.generator = torch.Generator()
        """Draws the samples inside a loss."""
        self.cursor = stream.cursor.state()
        self.curve: list[dict[str, float]] = []
        self.latest: dict[str, Tensor] = {}
        """Means of the last step's terms, in float64."""
        self.losses: frozenset[str] = frozenset()
        """The terms that are minimized: those with a weight. Known after the first step."""
        self.gradient_norm: Tensor | None = None
        """The norm in the last step, before clipping."""
        self._tokens = torch.zeros((), dtype=torch.int64)
        self._broken = torch.zeros(())
        """1 from the first step on whose loss or gradient is not a number: that step is skipped, and all after it."""
        self.step_began = time.monotonic()
        """When the current or next step began: after all that callbacks do between steps."""
        self.validation_seconds = 0.0
        """The time of the last measurement on validation data; 0 before the first."""
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
        """Over all ranks, without padding. Reading it waits for the device."""
        return int(self._tokens)

    def configure_model(self) -> None:
        mesh = mesh_of(self.trainer.strategy)
        if mesh is not None and not is_divided(self.model):
            divide(self.model, self._layers, mesh)

    def on_fit_start(self) -> None:
        self.stream.rank, self.stream.ranks = self.trainer.global_rank, self.trainer.world_size
        self._seed_generator()

    def _seed_generator(self) -> None:
        """As the checkpoint left it. Without one, or with another number of ranks, the rank and the batch decide."""
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
        options = self.stream.options[self.cursor["phase"]]
        step: Sums = {name: torch.zeros(2, dtype=torch.float64, device=self.device) for name in counts}
        for part, is_own, is_last in self._parts(batch):
            with self._gradients_stay_here(not is_last):
                terms = compute(self.model, self.objective.loss, part, self.generator, options)
                loss = total_loss(terms, counts)
                if is_own:
                    add(step, terms)
                self.losses = frozenset(name for name, term in terms.items() if term.weight)
                self._backward(loss if is_own else 0.0 * loss)
        self._close(step, counts)
        self._update()

    def _parts(self, batch: Batch) -> Iterator[tuple[Batch, bool, bool]]:
        """The micro-batches; for each, whether it holds rows of this rank, and whether it is the last. There is at least one,
        because ranks exchange gradients together. If parameters are divided, all ranks have equally many: they gather
        parameters together."""
        own = micro_batches(batch, self.config.micro_batch_size)
        count = max(1, len(own))
        if is_divided(self.model) and self.config.micro_batch_size is not None:
            count = int(self.trainer.strategy.reduce(torch.tensor(count, device=self.device), reduce_op="max"))
        for number in range(count):
            yield own[number] if number < len(own) else blank(batch), number < len(own), number == count - 1

    def _over_ranks(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each value summed over the ranks. The strategy's `reduce` is not used: its barrier would wait for the GPU."""
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
        """The loss is multiplied by the number of ranks: gradients are averaged over ranks, and the loss is divided by counts
        over all of them."""
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
            if scaler is None:  # a scaler skips such steps itself
                figures = torch.stack([*self.latest.values(), norm.double()])
                self._broken = torch.maximum(self._broken.to(norm.device), 1 - figures.isfinite().all().float())
                optimizer.optimizer.found_inf = self._broken  # a fused optimizer reads it on the device
            optimizer.step()
            optimizer.zero_grad()
        self.gradient_norm = norm
        self.lr_schedulers().step()

    def on_train_batch_end(self, *_: Any) -> None:
        self.step_began = time.monotonic()

    def record(self) -> None:
        """Closes a row of the curve every `log_steps`, once however often it is called. The first callback calls it: Lightning
        calls the module after all callbacks, when a checkpoint of this step is written already."""
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
        own = {"splits": architecture_of(config).fused(self.model)} if config.optimizer == "muon" else {}
        optimizer = OPTIMIZERS[config.optimizer](
            self.model, learning_rate=config.learning_rate, weight_decay=config.weight_decay, betas=config.betas,
            epsilon=config.epsilon, **own,
        )  # fmt: skip
        factor = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.horizon.factor(step))
        return {"optimizer": optimizer, "lr_scheduler": factor}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["kobert"] = {
            "cursor": self.cursor,
            "random_states": self._random_state_of_every_rank(),
            "horizon": self.horizon.state(),
            "precision": self.config.precision,
            "environment": self._environment(),
            "curve": self.curve,
            "tokens_seen": self.tokens_seen,
            "sums": read(self._sums),
        }

    def _environment(self) -> dict[str, str | int]:
        """Also settings that a resumed run may change, and that change the order of sums."""
        config = self.config
        how = {
            "attention": config.attention,
            "compile": str(config.compile).lower(),
            "micro_batch_size": str(config.micro_batch_size),
        }
        return environment(self.trainer.world_size) | how

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
        changed = differences(state["environment"], self._environment())
        if changed and self.trainer.is_global_zero:
            logger.warning(
                "pretrain: the checkpoint was written elsewhere, or with other settings (%s): the run goes on, but not to the same last bits.",
                "; ".join(changed),
            )

    def seconds_of(self, batch: Batch) -> float:
        """The time of one pass forward and back over this rank's rows of a batch: the shortest of PASSES, after one that is not
        timed.

        It leaves no trace: random state and gradients are as before. Raises InputError if the memory is too small.
        """
        on_device = self._on_device(batch)
        state, passes = random_state(), []
        try:
            for _ in range(1 + PASSES):
                began = time.monotonic()
                self._pass(on_device)
                passes.append(time.monotonic() - began)
        except torch.OutOfMemoryError:
            rows, length = batch.get("packing", batch["attention_mask"]).shape
            raise InputError(
                "{rows} rows of {length} tokens do not fit into the memory of {device}: set pretrain.micro_batch_size to fewer.",
                rows=rows,
                length=length,
                device=self.device,
            ) from None
        restore(state)
        return min(passes[1:]) if row_count(batch) else 0.0

    def cost(self) -> Cost:
        """What an example costs by its length, counted on a few examples of the longest length and of half of it. It leaves no
        trace, like `seconds_of`."""
        longest = self.config.max_length
        samples = [self.stream.longest_examples(length, COUNTED) for length in (longest, max(9, longest // 2))]
        state = random_state()
        cost = Cost.measured(self._pass, [self._on_device(batch) for batch in samples])
        restore(state)
        return cost

    def _on_device(self, batch: Batch) -> Batch:
        return {name: tensor.to(self.device) for name, tensor in batch.items()}

    def _pass(self, batch: Batch) -> None:
        for part, _, _ in self._parts(batch):
            with self.trainer.precision_plugin.forward_context():
                terms = compute(self.model, self.objective.loss, part, torch.Generator(), self.stream.options[0])
            torch.autograd.backward(total_loss(terms))
        self.model.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @torch.no_grad()
    def measure(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean of every term over `batches`, with dropout off. Each rank takes its share of the batches."""
        began = time.perf_counter()
        sums: Sums = {}
        every, ranks = list(batches), self.trainer.world_size
        alone = len(every) < ranks
        own = every if alone else every[self.trainer.global_rank :: ranks]
        rounds = len(every) if alone else -(-len(every) // ranks)
        self.model.eval()
        for number in range(rounds):  # as many on every rank: see `_parts`
            batch = own[min(number, len(own) - 1)]
            on_device = self._on_device(batch)
            with self.trainer.precision_plugin.forward_context():
                terms = compute(self.model, self.objective.loss, on_device, self.generator, self.config.options)
            if number < len(own):
                add(sums, terms)
        self.model.train()
        values = means(sums if alone else self._over_ranks(sums))
        self.validation_seconds = time.perf_counter() - began
        return values
