"""Fine-tunes one encoder on several tasks at once, with a head for each (MT-DNN: Liu et al. 2019).

Each batch is of one task and is trained with that task's learning rate and warm-up. The gradients of the other heads are absent, so
that their weights stay as they are. A mixture of one task takes the steps of `finetune`, bit for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from klue_eval.encoders import load_tokenizer
from klue_eval.finetune import (
    CLIP,
    Prepared,
    Trial,
    choose_precision,
    fit,
    interrupted,
    outcome_of,
    prepare,
    scoring_steps,
)
from klue_eval.heads.shared import share_encoder
from klue_eval.mixing import Mixture, mixed_order
from klue_eval.multitask_folder import export_all
from klue_eval.outcomes import Outcome
from klue_eval.perturbation import Perturbed
from klue_eval.values import Row
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.training.memory import keep_freed_memory
from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.schedules import linear

Rows = Sequence[Row]


@dataclass(frozen=True)
class MixedBatches:
    """The batches of all steps: `task`, its number, and `batch`."""

    parts: Sequence[Prepared]
    steps: Sequence[int]
    order: Sequence[int]

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        streams = [_batches(part, steps) for part, steps in zip(self.parts, self.steps, strict=True)]
        for task in self.order:
            yield {"task": task, "batch": next(streams[task])}


def _batches(part: Prepared, steps: int) -> Iterator[Any]:
    """The batches of a task, with as many epochs as its steps need."""
    batches = part.batches
    epochs = math.ceil(steps * batches.epochs / len(batches))
    return islice(replace(batches, epochs=epochs), steps)


class MixedFineTuning(lightning.LightningModule):
    """The models of all tasks, over one encoder."""

    def __init__(self, parts: Sequence[Prepared], mixture: Mixture, order: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ModuleList([part.module for part in parts])
        self.trials = [part.module.trial for part in parts]
        self.factors = [mixture.weights.get(trial.task.name, 1.0) for trial in self.trials]
        self.order, self.steps = order, len(order)
        scorings = max(trial.settings.epochs * trial.evaluations_per_epoch for trial in self.trials)
        self.scoring_steps = scoring_steps(self.steps, scorings)
        self.advance: Callable[[float], None] = lambda amount: None
        self.training_seconds, self.examples = 0.0, 0

    def configure_optimizers(self) -> Any:
        first = self.trials[0].settings
        optimizer = adamw(self.parts, learning_rate=first.learning_rate, weight_decay=first.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """The rate of the step's task, as a factor of that of the first task."""
        settings = self.trials[self.order[min(step, self.steps - 1)]].settings
        warmup = math.ceil(self.steps * settings.warmup_share)
        peak = settings.learning_rate / self.trials[0].settings.learning_rate
        return linear(step, warmup, self.steps) * peak

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """As `FineTuning` does."""
        nn.utils.clip_grad_norm_(self.parameters(), CLIP)

    def on_train_start(self) -> None:
        self.train()
        for part in self.parts:
            part.trainer = self.trainer  # Lightning gives it to modules, and not to those in a list
        self._resumed = time.monotonic()

    def training_step(self, batch: dict[str, Any], batch_index: int) -> Tensor:
        task, content = int(batch["task"]), batch["batch"]
        self.examples += len(content["inputs"]["input_ids"])
        loss: Tensor = self.parts[task].model.loss(**content) * self.factors[task]  # type: ignore[union-attr, operator]
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self.advance(1)
        if batch_index + 1 in self.scoring_steps:
            self.training_seconds += time.monotonic() - self._resumed
            for part in self.parts:
                part.score(batch_index + 1)  # type: ignore[operator]
            self._resumed = time.monotonic()

    def on_train_end(self) -> None:
        for part in self.parts:
            part.on_train_end()  # type: ignore[operator]


@dataclass(frozen=True)
class Mixed:
    """What tasks reached together."""

    outcomes: list[Outcome]
    steps: list[int]
    """How many of the steps were of each task."""


def finetune_together(
    folder: Path,
    trials: Sequence[Trial],
    mixture: Mixture,
    train: Sequence[Rows],
    scored: Sequence[Rows],
    mistyped: Sequence[Sequence[Perturbed]],
    keep: Path | None = None,
) -> Mixed:
    """Trains on the rows of all tasks and scores each. All arguments are in the order of `trials`, which share a seed.

    `mistyped`: the scored rows with errors. `keep`: the folder into which the encoder and all heads are exported.
    """
    first = trials[0]
    added = dict.fromkeys(token for trial in trials for token in trial.task.added_tokens)
    tokenizer = load_tokenizer(folder, tuple(added), first.trust_remote_code)
    keep_freed_memory()
    torch.manual_seed(first.seed)
    parts = [
        prepare(folder, trial, tokenizer, rows, others, mistyped=errors)
        for trial, rows, others, errors in zip(trials, train, scored, mistyped, strict=True)
    ]
    share_encoder([part.module.model for part in parts])
    steps = mixture.steps([len(part.batches) for part in parts])
    order = mixed_order(steps, first.seed).tolist()
    module, precision = MixedFineTuning(parts, mixture, order), choose_precision(first.precision)
    with progress(
        f"{len(parts)} tasks at once, {first.initialisation}, seed {first.seed}", len(order), "batches"
    ) as advance:
        module.advance = advance
        reached = fit(module, MixedBatches(parts, steps, order), precision)
    if reached != module.steps:
        raise interrupted(reached, module.steps)
    if keep is not None:
        export_all(parts, keep)
    return Mixed([_outcome(part, module, precision) for part in parts], steps)


def _outcome(part: Prepared, module: MixedFineTuning, precision: str) -> Outcome:
    """Of one task. The speed is that of the mixture."""
    part.module.training_seconds = module.training_seconds
    return replace(outcome_of(part, precision), rows_per_second=module.examples / module.training_seconds)
