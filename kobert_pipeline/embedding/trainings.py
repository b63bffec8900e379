"""The steps of a training, one after the other, by the trainer of sentence-transformers."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any

from kobert_pipeline.embedding.config import EmbeddingConfig, StepConfig
from kobert_pipeline.embedding.encoder import some_dropout
from kobert_pipeline.embedding.methods import METHODS, Source
from kobert_pipeline.embedding.resumed import (
    SAVED_AFTER,
    last_checkpoint,
    load_weights,
    resumable_trainer,
    save_weights,
    saving,
    step_of,
)
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.progress import Advance, progress
from kobert_pipeline.training.precision import fastest
from kobert_pipeline.training.quiet import quiet

logger = logging.getLogger(__name__)


def read_all(config: EmbeddingConfig, corpus: Path | None) -> list[Any]:
    """The dataset of every step, before anything is trained: what is missing or wrong is said at once."""
    return [METHODS[step.method].rows(Source(config, step, corpus)) for step in config.steps]


def train(model: Any, config: EmbeddingConfig, rows: list[Any], scratch: Path) -> None:
    """Trains `model` in place, and goes on after what an earlier process finished in `scratch`. The same arguments give the same
    weights on one machine."""
    ends = [scratch / f"after-{number}.pt" for number in range(len(rows))]
    finished = sum(end.exists() for end in ends)
    if finished:
        load_weights(model, ends[finished - 1])
    for number in range(finished, len(rows)):
        folder = scratch / f"step-{number}"
        _train(model, config, config.steps[number], rows[number], folder, config.seed + number)
        save_weights(model, ends[number])
        shutil.rmtree(folder, ignore_errors=True)


def _train(model: Any, config: EmbeddingConfig, step: StepConfig, rows: Any, folder: Path, seed: int) -> None:
    import torch
    from transformers import PrinterCallback

    method = METHODS[step.method]
    batch = min(step.batch_size or method.batch_size, len(rows))
    if batch < 2:
        raise InputError(
            "{method}: {rows} row to train on; two at least are needed.", method=step.method, rows=len(rows)
        )
    total = step.max_steps or max(1, round((step.epochs or method.epochs) * len(rows) / batch))
    torch.manual_seed(seed)
    dropout = some_dropout(model, config.dropout) if method.own_dropout else contextlib.nullcontext()
    begun = last_checkpoint(folder)
    if begun is not None:
        logger.info("embed: %s goes on after step %s", step.method, f"{step_of(begun):,}")
    with progress(f"embed: {step.method}", total, "steps", step_of(begun)) as advance, quiet(), dropout:
        trainer = resumable_trainer()(
            model, _arguments(config, step, folder, seed, batch, total), train_dataset=rows, loss=method.loss(model),
            callbacks=[_counting(advance), saving(SAVED_AFTER)],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # it prints a dictionary among the results
        trainer.train(resume_from_checkpoint=None if begun is None else str(begun))
    logger.info(
        "embed: %s: %s steps of %s on %s rows in %s", step.method, f"{total:,}", batch, f"{len(rows):,}", fastest()
    )


def _arguments(config: EmbeddingConfig, step: StepConfig, folder: Path, seed: int, batch: int, total: int) -> Any:
    import torch
    from sentence_transformers.sentence_transformer.training_args import (
        BatchSamplers,
        SentenceTransformerTrainingArguments,
    )

    method = METHODS[step.method]
    return SentenceTransformerTrainingArguments(
        str(folder), max_steps=total, per_device_train_batch_size=batch,
        learning_rate=step.learning_rate or method.learning_rate, warmup_steps=round(config.warmup_share * total),
        weight_decay=0.01, seed=seed, data_seed=seed, bf16=fastest() == "bf16", use_cpu=not torch.cuda.is_available(),
        save_strategy="no", save_total_limit=2, logging_strategy="no", report_to="none", disable_tqdm=True,
        batch_sampler=BatchSamplers.NO_DUPLICATES if method.contrasts else BatchSamplers.BATCH_SAMPLER,
    )  # fmt: skip


def _counting(advance: Advance) -> Any:
    """A callback that moves the progress bar."""
    from transformers import TrainerCallback

    class Counting(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            advance(1)

    return Counting()
