"""Fine-tunes one encoder on one task at one seed, by Lightning, with the settings of KLUE's released code.

AdamW (epsilon 1e-8), linear warm-up and decay, gradients clipped at 1.0, dev scored several times an epoch. Two
differences cost nothing in score and halve the time: the rows of a batch have similar lengths, and the forward pass
runs in bfloat16 if the processor supports it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import lightning
import torch
from torch import Tensor, nn

from klue_eval.batches import Batch, Encoded, TrainingBatches, batch_of, scoring_order
from klue_eval.calibration import calibration
from klue_eval.encoded_once import encode_once
from klue_eval.encoders import accepted_inputs, load_config, load_model, load_tokenizer
from klue_eval.export import export
from klue_eval.finite import all_usable, is_finite
from klue_eval.frozen_states import with_states
from klue_eval.heads import HEADS, TaskModel
from klue_eval.outcomes import Outcome, PerturbedOutcome
from klue_eval.perturbation import Perturbed
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.teachers import Teacher, imitating, save_weights, student_of
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Row, Values
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.training.memory import keep_freed_memory
from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.positions import positions
from kobert_pipeline.training.precision import LIGHTNING, fastest
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.schedules import linear

logger = logging.getLogger(__name__)

CLIP = 1.0

Predicted: TypeAlias = tuple[list[Any], list[Any] | None]
"""The predictions of all rows, and those of the task's official decoding, if it has one."""


@dataclass(frozen=True)
class Trial:
    """Everything that decides a fine-tuning run except the model and the rows."""

    task: KlueTask
    settings: TaskSettings
    initialisation: str
    seed: int
    evaluations_per_epoch: int
    precision: str
    training: str = "finetune"
    """`features` and `probe` freeze the encoder."""
    patience: int = 0
    """A run ends after this number of scorings without a better one on the stopping rows. 0 never ends it early."""
    trust_remote_code: bool = False
    teacher: Teacher | None = None
    """Whom the model imitates."""
    exports: bool = False
    """Whether the trained model is to be exported."""


@dataclass(frozen=True)
class Scored:
    """Rows to be scored, and the same rows as the model reads them."""

    rows: Sequence[Row]
    encoded: Encoded


def finetune(
    folder: Path,
    trial: Trial,
    train: Sequence[Row],
    scored: Sequence[Row],
    stopping: Sequence[Row] = (),
    keep: Path | None = None,
    mistyped: Sequence[Perturbed] = (),
    weights: Path | None = None,
) -> Outcome:
    """Trains on `train` and scores `scored`. On one machine, the same arguments give the same predictions.

    `stopping`: other rows, by which a run with patience decides when to end. `keep`: the folder into which the trained model is
    exported. `mistyped`: scored rows with errors, which the last checkpoint reads, too. `weights`: the file that gets its weights.
    """
    trusted = trial.trust_remote_code
    tokenizer = load_tokenizer(folder, trial.task.added_tokens, trusted)
    keep_freed_memory()
    torch.manual_seed(trial.seed)
    prepared = prepare(folder, trial, tokenizer, train, scored, stopping, mistyped)
    precision = choose_precision(trial.precision)
    prepared = _read_once(prepared, precision)
    module = prepared.module
    with progress(f"{trial.task.title}, {trial.initialisation}, seed {trial.seed}", module.steps, "batches") as advance:
        module.advance = advance
        reached = fit(module, prepared.batches, precision)
    if reached != module.steps and not module.has_stalled:
        raise interrupted(reached, module.steps)
    if keep is not None:
        export(student_of(module.model), trial.task, prepared.reader, keep)
    if weights is not None:
        save_weights(module.model, weights)
    return outcome_of(prepared, precision)


def _read_once(prepared: Prepared, precision: str) -> Prepared:
    """A frozen encoder reads all rows once. A trained one is left alone."""
    module = prepared.module

    def read(part: Encoded) -> Encoded:
        return part if module.head.separates else with_states(module.model, part, precision)

    module.scored, module.stopping, *module.mistyped = (
        replace(part, encoded=read(part.encoded)) for part in (module.scored, module.stopping, *module.mistyped)
    )
    return replace(prepared, batches=replace(prepared.batches, encoded=read(prepared.batches.encoded)))


@dataclass(frozen=True)
class Prepared:
    """A task that can be trained."""

    module: FineTuning
    batches: TrainingBatches
    reader: Reader
    mistyped: Sequence[Perturbed]


def prepare(
    folder: Path,
    trial: Trial,
    tokenizer: Any,
    train: Sequence[Row],
    scored: Sequence[Row],
    stopping: Sequence[Row] = (),
    mistyped: Sequence[Perturbed] = (),
) -> Prepared:
    """Loads the model, which draws from torch's global generator, and encodes the rows."""
    task, settings, trusted = trial.task, trial.settings, trial.trust_remote_code
    limit = positions(load_config(folder, trusted), trust_remote_code=trusted)
    reader = Reader(tokenizer, min(settings.max_length, limit))
    model = load_model(
        task, folder, trial.initialisation, settings, reader, training=trial.training,
        trust_remote_code=trusted, loadable=trial.exports,
        attention=None if trial.teacher is None else trial.teacher.attention(),
    )  # fmt: skip
    known = accepted_inputs(model.encoder, ("input_ids", "token_type_ids"))
    encoded = [encode_once(task, rows, reader, settings).only(known) for rows in (train, scored, stopping)]
    batches = TrainingBatches(encoded[0], HEADS[task.head].collate, settings.batch_size, settings.epochs, trial.seed)
    trained = model if trial.teacher is None else imitating(model, trial.teacher, task, reader, len(batches))
    module = FineTuning(trained, trial, len(batches), Scored(scored, encoded[1]), Scored(stopping, encoded[2]))
    module.mistyped = [
        Scored(part.rows, encode_once(task, part.rows, reader, settings).only(known)) for part in mistyped
    ]
    return Prepared(module, batches, reader, mistyped)


def outcome_of(prepared: Prepared, precision: str) -> Outcome:
    """What a task's model reached, after its training."""
    module, train, scored = prepared.module, prepared.batches.encoded, prepared.module.scored.encoded
    mistyped = prepared.mistyped
    steps = module.curve[-1]["step"]
    return Outcome(
        predictions=module.predictions,
        official_predictions=module.official_predictions,
        curve=module.curve,
        steps=steps,
        truncated={"train": train.truncated, "scored": scored.truncated},
        unread={"train": train.unread, "scored": scored.unread},
        unknown_share={"train": train.unknown_share, "scored": scored.unknown_share},
        not_finite=module.not_finite,
        precision=precision,
        rows_per_second=len(train.examples)
        * module.trial.settings.epochs
        * steps
        / module.steps
        / module.training_seconds,
        perturbed={
            part.name: PerturbedOutcome(part.rows, *predictions, part.unchanged, read.encoded.unknown_share)
            for part, read, predictions in zip(mistyped, module.mistyped, module.of_mistyped, strict=True)
        },
        calibration=module.calibration,
        scored_rows_per_second=len(module.scored.rows) * len(module.curve) / module.scoring_seconds,
    )


class FineTuning(lightning.LightningModule):
    """The model, its loss, and the scorings during training."""

    def __init__(self, model: TaskModel, trial: Trial, steps: int, scored: Scored, stopping: Scored) -> None:
        super().__init__()
        self.model, self.trial, self.steps = model, trial, steps
        self.head = HEADS[trial.task.head]
        self.scored, self.stopping = scored, stopping
        self.mistyped: list[Scored] = []
        self.of_mistyped: list[Predicted] = []
        self.scoring_steps = scoring_steps(steps, trial.settings.epochs * trial.evaluations_per_epoch)
        self.advance: Callable[[float], None] = lambda amount: None
        self.predictions: list[Any] = []
        self.official_predictions: list[Any] | None = None
        self.curve: list[dict[str, Any]] = []
        self.stopping_scores: list[float] = []
        self.has_stalled = False
        self.not_finite = 0
        self.training_seconds, self.scoring_seconds = 0.0, 0.0
        self.calibration: dict[str, float] = {}

    def configure_optimizers(self) -> Any:
        settings = self.trial.settings
        optimizer = adamw(self.model, learning_rate=settings.learning_rate, weight_decay=settings.weight_decay)
        warmup = math.ceil(self.steps * settings.warmup_share)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: linear(step, warmup, self.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Lightning refuses to clip for a fused optimizer under autocast, though bfloat16 scales no gradients."""
        nn.utils.clip_grad_norm_(self.parameters(), CLIP)

    def on_train_start(self) -> None:
        self.model.train()
        self._resumed = time.monotonic()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        return self.model.loss(**batch)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self.advance(1)
        step = batch_index + 1
        if step in self.scoring_steps:
            self.training_seconds += time.monotonic() - self._resumed
            self.score(step)
            if self.trial.patience and self._stalls():
                self.has_stalled = self.trainer.should_stop = True
            self._resumed = time.monotonic()

    def score(self, step: int) -> None:
        """Predicts the scored rows, and adds their scores to the curve."""
        started = time.monotonic()
        answers = self._answers(self.scored)
        self.not_finite = sum(not all(is_finite(answer.values) for answer in row) for row in answers)
        if self.not_finite:
            logger.warning(
                "%s: the outputs at step %s of %s are not finite; the run diverged",
                self.trial.task.title,
                step,
                self.steps,
            )
        self.predictions, self.official_predictions = self._decoded(answers, self.scored.rows)
        self.scoring_seconds += time.monotonic() - started
        if self.trial.task.head == "classification":
            self.calibration = calibration(all_usable(answers))
        official = self.trial.task.metrics.official(self.official_predictions or self.predictions, self.scored.rows)
        self.curve.append({"step": step, "metrics": official})

    def _decoded(self, answers: list[list[Answer]], rows: Sequence[Row]) -> Predicted:
        task, usable = self.trial.task, all_usable(answers)
        exact = [task.decode(*pair) for pair in zip(usable, rows, strict=True)]
        if task.decode_officially is None:
            return exact, None
        return exact, [task.decode_officially(*pair) for pair in zip(usable, rows, strict=True)]

    def on_train_end(self) -> None:
        """Texts with errors are read once, by the last checkpoint."""
        self.of_mistyped = [self._decoded(self._answers(part), part.rows) for part in self.mistyped]

    def _stalls(self) -> bool:
        """Whether none of the last `patience` scorings of the stopping rows was better than all before them."""
        task, rows = self.trial.task, self.stopping.rows
        usable = all_usable(self._answers(self.stopping))
        predictions = [task.decode(*pair) for pair in zip(usable, rows, strict=True)]
        self.stopping_scores.append(task.metrics.corrected(predictions, rows)[task.primary_metric])
        scores = self.stopping_scores
        return len(scores) - 1 - scores.index(max(scores)) >= self.trial.patience

    @torch.no_grad()
    def _answers(self, scored: Scored) -> list[list[Answer]]:
        """Returns the head's answers to each row's examples, in the order of the rows."""
        encoded = scored.encoded
        tokens = self.head.scoring_tokens if self.device.type == "cpu" else None
        order = scoring_order(encoded.lengths, self.head.scoring_batch, tokens)
        values: list[Values] = [{}] * len(encoded.examples)
        self.model.eval()
        for numbers in order:
            batch = batch_of(encoded, numbers, self.head.collate)
            on_device = {part: {name: column.to(self.device) for name, column in batch[part].items()} for part in batch}
            with self.trainer.precision_plugin.forward_context():
                outputs = self.model.predict(**on_device)
            for number, output in zip(numbers, outputs, strict=True):
                values[number] = output
        self.model.train()
        answers: list[list[Answer]] = [[] for _ in scored.rows]
        for owner, example, output in zip(encoded.owners, encoded.examples, values, strict=True):
            answers[owner].append(Answer(example, output))
        return answers


def scoring_steps(steps: int, scorings: int) -> frozenset[int]:
    """Returns `scorings` evenly spaced steps, counted from 1. The last step is always among them."""
    return frozenset({steps, *(max(1, steps * index // scorings) for index in range(1, scorings))})


def choose_precision(wanted: str) -> str:
    """Returns Lightning's name of the fastest precision for `auto`."""
    return LIGHTNING[fastest()] if wanted == "auto" else wanted


def fit(module: lightning.LightningModule, batches: Iterable[Any], precision: str) -> int:
    """Trains on the batches. Returns the number of steps that were taken."""
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
    return int(trainer.global_step)


def interrupted(reached: int, steps: int) -> KobertError:
    """For a training that stopped before its last step."""
    return KobertError(
        "Fine-tuning was interrupted at step {reached} of {steps}; run it again.", reached=reached, steps=steps
    )
