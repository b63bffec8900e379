"""The one LightningModule, for every objective and architecture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn

from kobert_pipeline.objectives.objective import Batch, Objective, Term
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, Cursor, Drawn
from kobert_pipeline.pretrain.loader import Parcel, unfold
from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.schedules import SCHEDULES

Sums = dict[str, list[float]]
"""Term name -> [sum, count], added up over batches."""


class PretrainModule(lightning.LightningModule):
    """Steps an objective's loss over a model. Its checkpoint holds all that resuming bit for bit needs besides Lightning's
    own state: the stream's cursor, the random states of torch (dropout) and of samples drawn inside a loss, and the loss
    curve so far."""

    def __init__(self, model: nn.Module, objective: Objective, config: PretrainConfig, stream: BatchStream) -> None:
        super().__init__()
        self.model, self.objective, self.config, self.stream = model, objective, config, stream
        self.generator = torch.Generator()
        self.cursor = stream.cursor.state()
        self.curve: list[dict[str, float]] = []
        self.tokens_seen = 0
        self._sums: Sums = {}
        self._random_state: Tensor | None = None
        self.latest: dict[str, float] = {}
        """Means of the last step's terms."""
        self.gradient_norm: Tensor | None = None
        """Of the last step, before clipping."""

    def on_after_batch_transfer(self, drawn: Any, dataloader_idx: int) -> Drawn:
        batch, cursor = drawn
        return unfold(batch) if isinstance(batch, Parcel) else batch, cursor

    def on_train_batch_start(self, drawn: Any, batch_idx: int) -> None:
        if self._random_state is not None:  # after everything that draws random numbers while a run is set up
            torch.set_rng_state(self._random_state)
            self._random_state = None

    def training_step(self, drawn: Drawn, batch_idx: int) -> Tensor:
        batch, self.cursor = drawn
        terms = self.objective.loss(self.model, batch, self.generator)  # type: ignore[arg-type]
        add(self._sums, terms)
        step: Sums = {}
        add(step, terms)
        self.latest = means(step)
        self.tokens_seen += int(batch["attention_mask"].sum())
        return total_loss(terms)

    def record(self) -> None:
        """Closes a row of the curve every `log_steps`. Called by the first of the callbacks: Lightning asks the module
        after all of them, when a checkpoint of this step is written already."""
        if self.global_step % self.config.log_steps == 0 or self.global_step == self.config.max_steps:
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
        schedule = SCHEDULES[config.schedule]
        factor = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: schedule(step, config.warmup_steps, config.max_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": factor, "interval": "step"}}

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Lightning refuses to clip for a fused optimizer, lest fp16 gradients be still scaled; there is no fp16 here."""
        self.gradient_norm = nn.utils.clip_grad_norm_(self.model.parameters(), gradient_clip_val)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["kobert"] = {
            "cursor": self.cursor,
            "random_state": torch.get_rng_state(),
            "generator": self.generator.get_state(),
            "curve": self.curve,
            "tokens_seen": self.tokens_seen,
            "sums": {name: [float(value) for value in values] for name, values in self._sums.items()},
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["kobert"]
        self.cursor, self.stream.cursor = state["cursor"], Cursor(**state["cursor"])
        self._random_state = state["random_state"]
        self.generator.set_state(state["generator"])
        self.curve, self.tokens_seen, self._sums = state["curve"], state["tokens_seen"], state["sums"]

    @torch.no_grad()
    def held_out(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Means of every term over `batches`, with dropout off."""
        sums: Sums = {}
        self.model.eval()
        for batch in batches:
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            with self.trainer.precision_plugin.forward_context():
                add(sums, self.objective.loss(self.model, on_device, self.generator))  # type: ignore[arg-type]
        self.model.train()
        return means(sums)


def total_loss(terms: dict[str, Term]) -> Tensor:
    """The weighted sum of each term's mean."""
    weighted = [term.weight * term.sum / term.count.clamp(min=1) for term in terms.values() if term.weight]
    return torch.stack(weighted).sum()


def add(sums: Sums, terms: dict[str, Term]) -> None:
    for name, term in terms.items():
        known = sums.setdefault(name, [0.0, 0.0])
        known[0] += float(term.sum.detach())
        known[1] += float(term.count)


def means(sums: Sums) -> dict[str, float]:
    return {name: total / max(1.0, count) for name, (total, count) in sums.items()}
