"""What a run would take on this machine: its first steps are trained for about a minute, in a folder that is thrown away."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.pretrain.budget import FLOAT_BYTES, MEASURED, Measured, disk_bytes, relative, seconds_left
from kobert_pipeline.pretrain.build import trainer_for
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.evaluation import ValidationData
from kobert_pipeline.pretrain.frozen_models import student_rows
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loader import loader
from kobert_pipeline.pretrain.loop import FEWEST, Budget, peak_bytes
from kobert_pipeline.pretrain.machine import settled
from kobert_pipeline.pretrain.models import architecture_of, build_models, layers_of, objective_of
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.pretrain.watch import Watch
from kobert_pipeline.training.layerwise import checkpoint_gradients, compile_layers
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.ranks import Turns

SECONDS = 60.0
"""After this time the measurement ends, if FEWEST steps are measured."""


@dataclass(frozen=True)
class Estimate:
    """A pretraining, extrapolated from its measured steps."""

    steps: int
    seconds: float
    """Of all steps, with their measurements on validation data and checkpoints."""
    tokens: int
    """Seen in training."""
    parameters: int
    corpus_tokens: int
    """Of the training split."""
    memory: int
    """Bytes at the peak: of the GPU if there is one, else of this process."""
    disk: int
    """Bytes of the checkpoints and of the exported model."""
    measured_steps: int
    flops: float
    """Floating-point operations of all steps, as the first phase's examples cost."""
    precision: str
    """In which it was measured: what `auto` is on this machine."""

    @property
    def epochs(self) -> float:
        return self.tokens / self.corpus_tokens

    @property
    def tokens_per_parameter(self) -> float:
        return self.tokens / self.parameters


class _Enough(Exception):
    """The steps are measured."""


class _Estimating(Budget):
    """Ends the run as soon as its length is known and enough steps are measured."""

    estimate: Estimate

    def _is_measured(self, module: PretrainModule) -> bool:
        return self._steps >= MEASURED or (self._steps >= FEWEST and self._elapsed() > SECONDS)

    def _is_due(self, module: PretrainModule) -> bool:
        return self._is_measured(module)

    def _report(self, trainer: lightning.Trainer, module: PretrainModule, total: int) -> None:
        measured = self._measured(module)
        parameters = sum(parameter.numel() for parameter in module.model.parameters())
        tokens = _tokens(self.config, measured, total)
        self.estimate = Estimate(
            steps=total,
            seconds=measured.elapsed + seconds_left(self.config, measured, total),
            tokens=tokens,
            parameters=parameters,
            corpus_tokens=module.stream.store.summary.train.tokens,
            memory=peak_bytes(),
            disk=disk_bytes(self.config, parameters) + FLOAT_BYTES * parameters,
            measured_steps=self._steps,
            flops=tokens * _flops_per_token(module),
            precision=self.config.precision,
        )
        raise _Enough

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *rest: Any) -> None:
        super().on_train_batch_end(trainer, module, *rest)
        assert isinstance(module, PretrainModule)
        if module.global_step == module.horizon.total:  # a run that is shorter than the measurement
            self._report(trainer, module, module.global_step)


def _flops_per_token(module: PretrainModule) -> float:
    batch, tokens, _ = module.stream.sample(0)
    return float(module.cost().flops(batch)) / tokens


def _tokens(config: PretrainConfig, measured: Measured, total: int) -> int:
    first = measured.batches[0] * Horizon(config, None).growth(0)
    return round(total * first * relative(config, measured.batches))


def estimate(
    config: PretrainConfig, tokenizer: Path, dataset: Path, *, seed: int, folders: Mapping[str, Path] | None = None
) -> Estimate:
    """Trains for about a minute, from random weights. Raises InputError for data or a machine that do not suffice."""
    if config.devices * config.nodes > 1:
        raise InputError(
            "A plan is measured on one device. Add --set pretrain.devices=1 --set pretrain.nodes=1, and divide by what your devices gain."
        )
    config = settled(config)
    store, objective, architecture = Store(dataset), objective_of(config), architecture_of(config)
    store.require_tokenizer(tokenizer)
    info = tokenizer_info(tokenizer)
    stream = BatchStream(store, objective, config, info, seed)
    stream.require_batches()
    validation = ValidationData.of(store, objective, config, info)
    lightning.seed_everything(seed, workers=False, verbose=False)
    rows = student_rows(None, folders or {}, tokenizer, info.vocab_size)
    models = build_models(config, info, folders or {}, rows)
    layers = layers_of(models, architecture)
    for wanted, prepare in ((config.compile, compile_layers), (config.gradient_checkpointing, checkpoint_gradients)):
        if wanted:
            prepare(layers)
    module = PretrainModule(models, objective, config, stream, layers)
    with tempfile.TemporaryDirectory(prefix="kobert-plan-") as place:
        return _measure(module, config, validation, Path(place))


def _measure(module: PretrainModule, config: PretrainConfig, validation: ValidationData, folder: Path) -> Estimate:
    budget = _Estimating(config, folder / "checkpoints", Turns(), validation.cost_of_measures)
    watch = Watch(validation, config, module.objective.headline, lambda *_, **__: None, folder)
    with fitting(), contextlib.suppress(_Enough):
        trainer = trainer_for(
            config.model_copy(update={"wandb_project": None}), module.horizon.total, [budget, watch], folder
        )
        trainer.fit(module, loader(module.stream, config.workers))
    return budget.estimate
