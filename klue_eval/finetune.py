"""Fine-tuning of one encoder on one task at one seed, by Lightning, with the settings of the released baseline.

AdamW (epsilon 1e-8), linear warm-up and decay, gradients clipped at 1.0, dev scored several times an epoch. Two
deviations cost nothing in score and halve the time: batches hold rows of similar length, and the forward pass runs in
bfloat16 where the processor has it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from klue_eval.batches import Encoded, TrainingBatches, encode_features, pad, scoring_order
from klue_eval.heads import HEADS, Head, accepted_inputs, load_model, load_tokenizer, positions
from klue_eval.task import KlueTask, Row, TaskSettings
from kobert_pipeline.errors import KobertError
from kobert_pipeline.execution import progress
from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.schedules import linear

logger = logging.getLogger(__name__)

CLIP = 1.0
SCORING_BATCH = 128
"""Rows; without gradients there is room for more than in training."""


@dataclass(frozen=True)
class Trial:
    """Everything that decides a fine-tuning run besides the model and the rows."""

    task: KlueTask
    settings: TaskSettings
    initialisation: str
    seed: int
    evaluations_per_epoch: int
    precision: str


@dataclass(frozen=True)
class Outcome:
    predictions: list[Any]
    """Of the last checkpoint, one per scored row."""
    curve: list[dict[str, Any]]
    """`step` and official `metrics` of every scoring; the last one belongs to `predictions`."""
    steps: int
    truncated: dict[str, int]
    """Split -> rows cut at `max_length`."""
    not_finite: int
    """Scored rows whose output was no number: the run diverged."""
    precision: str
    rows_per_second: float
    """Training rows, without loading, tokenising and scoring."""


def finetune(folder: Path, trial: Trial, train: Sequence[Row], scored: Sequence[Row]) -> Outcome:
    """Trains on `train`, scores on `scored`. On one machine, the same arguments give the same predictions."""
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(trial.seed)
    model = load_model(trial.task, folder, trial.initialisation)
    length = min(trial.settings.max_length, positions(model.config))
    train_encoded = _encode(tokenizer, model, trial.task, train, length)
    scored_encoded = _encode(tokenizer, model, trial.task, scored, length)
    targets = HEADS[trial.task.head].targets([trial.task.encode(row).target for row in train])
    batches = TrainingBatches(train_encoded, targets, trial.settings.batch_size, trial.settings.epochs, trial.seed)
    module = FineTuning(model, trial, len(batches), scored, scored_encoded)
    precision = choose_precision(trial.precision)
    with progress(f"{trial.task.title}, {trial.initialisation}, seed {trial.seed}", len(batches), "batches") as advance:
        module.advance = advance
        _fit(module, batches, precision)
    return Outcome(
        predictions=module.predictions,
        curve=module.curve,
        steps=len(batches),
        truncated={"train": train_encoded.truncated, "scored": scored_encoded.truncated},
        not_finite=module.not_finite,
        precision=precision,
        rows_per_second=len(targets) * trial.settings.epochs / module.training_seconds,
    )


class FineTuning(lightning.LightningModule):
    """The model, its loss, and the scorings on the way."""

    def __init__(self, model: nn.Module, trial: Trial, steps: int, scored: Sequence[Row], encoded: Encoded) -> None:
        super().__init__()
        self.model, self.trial, self.steps = model, trial, steps
        self.head: Head = HEADS[trial.task.head]
        self.scored, self.encoded = scored, encoded
        self.scoring_steps = scoring_steps(steps, trial.settings.epochs * trial.evaluations_per_epoch)
        self.advance: Callable[[float], None] = lambda amount: None
        self.predictions: list[Any] = []
        self.curve: list[dict[str, Any]] = []
        self.not_finite = 0
        self.training_seconds = 0.0

    def configure_optimizers(self) -> Any:
        settings = self.trial.settings
        optimizer = adamw(self.model, learning_rate=settings.learning_rate, weight_decay=settings.weight_decay)
        warmup = math.ceil(self.steps * settings.warmup_share)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: linear(step, warmup, self.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """By hand: Lightning refuses to clip for a fused optimizer under autocast, though bfloat16 scales no gradients."""
        nn.utils.clip_grad_norm_(self.parameters(), CLIP)

    def on_train_start(self) -> None:
        self.model.train()
        self._resumed = time.monotonic()

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        targets = batch.pop("targets")
        return self.head.loss(self.model(**batch).logits.float(), targets)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self.advance(1)
        step = batch_index + 1
        if step in self.scoring_steps:
            self.training_seconds += time.monotonic() - self._resumed
            self._score(step)
            self._resumed = time.monotonic()

    def _score(self, step: int) -> None:
        logits = self._logits()
        finite = np.isfinite(logits)
        self.not_finite = int((~finite.all(axis=tuple(range(1, logits.ndim)))).sum())
        if self.not_finite:
            logger.warning(
                "%s: step %s of %s gives no numbers; the run diverged", self.trial.task.title, step, self.steps
            )
        task, usable = self.trial.task, np.where(finite, logits, 0)
        self.predictions = [task.decode(values, row) for values, row in zip(usable, self.scored, strict=True)]
        self.curve.append({"step": step, "metrics": task.metrics.official(self.predictions, self.scored)})

    @torch.no_grad()
    def _logits(self) -> NDArray[np.float32]:
        """One row of logits per scored row, in the order of the rows."""
        order = scoring_order(self.encoded.lengths, SCORING_BATCH)
        self.model.eval()
        parts = []
        for rows in order:
            batch = {name: column.to(self.device) for name, column in pad(self.encoded, rows).items()}
            with self.trainer.precision_plugin.forward_context():
                parts.append(self.model(**batch).logits.float().cpu().numpy())
        self.model.train()
        logits = np.concatenate(parts)
        result = np.empty_like(logits)
        result[np.concatenate(order)] = logits
        return result


def scoring_steps(steps: int, scorings: int) -> frozenset[int]:
    """`scorings` evenly spaced steps, counted from 1; the last step is always among them."""
    return frozenset({steps, *(max(1, steps * index // scorings) for index in range(1, scorings))})


def choose_precision(wanted: str) -> str:
    """`auto` -> bf16-mixed where the hardware computes it; emulated, it is slower than float32."""
    if wanted != "auto":
        return wanted
    fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if fast else "32-true"


def _encode(tokenizer: Any, model: nn.Module, task: KlueTask, rows: Sequence[Row], max_length: int) -> Encoded:
    encoded = encode_features(tokenizer, [task.encode(row) for row in rows], max_length)
    names = accepted_inputs(model, model.config, list(encoded.columns))
    return Encoded({name: encoded.columns[name] for name in names}, encoded.offsets, encoded.padding, encoded.truncated)


def _fit(module: FineTuning, batches: TrainingBatches, precision: str) -> None:
    """Raises KobertError when training stopped before its last step."""
    with fitting():
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            precision=precision,
            max_epochs=1,
            deterministic="warn" if torch.cuda.is_available() else False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches)
    if trainer.global_step != module.steps:
        raise KobertError(f"Fine-tuning was interrupted at step {trainer.global_step} of {module.steps}; run it again.")
