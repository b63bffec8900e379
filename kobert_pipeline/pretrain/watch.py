"""Watching a run: its progress, and what it measures on validation data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch

from kobert_pipeline.ground.progress import Advance
from kobert_pipeline.objectives.objective import Objective
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.evaluation import ValidationData
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.throughput import DTYPES, SpeedLog, Throughput, matmul_peak, memory_mib
from kobert_pipeline.training.sharding import compute

logger = logging.getLogger(__name__)


class Watch(lightning.Callback):
    """Shows progress, and measures before the first step, every `validation_steps`, and after the last. It comes after the
    callback that closes the curve.

    Speed, memory and gradient norm go to the live logs alone: what is hashed follows from content.
    """

    def __init__(
        self, validation: ValidationData, config: PretrainConfig, headline: str, advance: Advance, folder: Path
    ) -> None:
        self.validation, self.config, self.headline, self.advance = validation, config, headline, advance
        self._log = SpeedLog(folder / "speed.csv")
        self.measured: list[dict[str, float]] = []
        self.measures: dict[str, float] = {}
        """The objective's further measures, after the last step."""
        self._throughput: Throughput | None = None
        self._note, self._rows = "", 0

    def summary(self) -> dict[str, Any]:
        """For the summary."""
        return {"validation": self.measured, "measures": self.measures}

    def state_dict(self) -> dict[str, Any]:
        return {"measured": self.measured, "measures": self.measures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.measured, self.measures = state["measured"], state["measures"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, PretrainModule)
        peak = matmul_peak(module.device, DTYPES[self.config.precision])
        logger.info("pretrain: matrix products in %s: %.3g TFLOP/s at most", self.config.precision, peak / 1e12)
        self._throughput, self._rows = Throughput(module.cost(), peak), len(module.curve)
        if trainer.is_global_zero:
            self._log.resume(trainer.global_step)
        if self._is_due(module):
            self._measure(trainer, module)
        self._throughput.restart()

    def on_train_batch_start(self, *_: Any) -> None:
        assert self._throughput is not None
        self._throughput.begin()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(module, PretrainModule)
        assert self._throughput is not None
        self._throughput.end(batch[0])
        if len(module.curve) > self._rows:
            self._rows = len(module.curve)
            self._report(trainer, module, self._throughput)
        self.advance(1, self._note, module.horizon.total)
        if self._is_due(module):
            self._measure(trainer, module)
            if module.global_step == module.horizon.total:
                self._take_measures(trainer, module)
            self._throughput.restart()

    def _is_due(self, module: PretrainModule) -> bool:
        """Never twice at a step: a checkpoint may have been written before or after the measurement."""
        step: int = module.global_step
        if self.measured and self.measured[-1]["step"] == step:
            return False
        return step % self.config.validation_steps == 0 or step == module.horizon.total

    def figures(self) -> list[tuple[int, float]]:
        """The step and the headline of every measurement so far."""
        return [(int(values["step"]), values[self.headline]) for values in self.measured]

    def _report(self, trainer: lightning.Trainer, module: PretrainModule, throughput: Throughput) -> None:
        ranks = trainer.world_size
        figures = throughput.read(partial(trainer.strategy.reduce, reduce_op="sum") if ranks > 1 else None, ranks)
        figures["memory_mib"] = memory_mib(module.device)
        if module.gradient_norm is not None:
            figures["gradient_norm"] = float(module.gradient_norm)
        module.log_dict(figures, batch_size=1)
        if trainer.is_global_zero:
            self._log.add(trainer.global_step, figures)
        self._note = note(module.curve[-1], figures, module.objective)

    def _measure(self, trainer: lightning.Trainer, module: PretrainModule) -> None:
        state = torch.get_rng_state()
        if not module.validation_seconds:
            self._warm_up(module)
        values = module.measure(self.validation.batches)
        torch.set_rng_state(state)
        self.measured.append({"step": module.global_step, "tokens": module.tokens_seen} | values)
        for each in trainer.loggers:
            each.log_metrics({f"validation/{name}": value for name, value in values.items()}, module.global_step)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        logger.info("pretrain: step %s, validation: %s", f"{module.global_step:,}", shown)

    def _warm_up(self, module: PretrainModule) -> None:
        """The first pass of a process is slow, and the budget is divided by the time of a measurement. Draws nothing."""
        drawn = module.generator.get_state()
        module.measure(self.validation.batches[:1])
        module.generator.set_state(drawn)

    def _take_measures(self, trainer: lightning.Trainer, module: PretrainModule) -> None:
        module.model.eval()
        for measure, batches in self.validation.measures:
            with trainer.precision_plugin.forward_context():
                values = compute(module.model, measure.values, batches, module.device)
            for figure, value in zip(measure.figures, values, strict=True):
                self.measures[figure.name] = value
                logger.info("pretrain: %s %.3g on %d validation sentences", figure.title, value, len(batches))
        module.model.train()


def note(row: Mapping[str, float], figures: Mapping[str, float], objective: Objective) -> str:
    """One line for the progress bar, from the last row of the curve and the speed over the same steps."""
    loss = [f"loss {row[objective.headline]:.3f}"] if objective.headline in row else []
    shares = [
        f"{figure.name.removesuffix('_accuracy')} {row[figure.name]:.0%}"
        for figure in objective.figures
        if figure.unit == "share" and figure.chance is not None and figure.name in row
    ]
    speed = [
        f"{figures['tokens_per_second']:,.0f} tokens/s",
        f"{figures['useful_share']:.0%} useful",
        f"MFU {figures['mfu']:.1%}",
    ]
    return ", ".join([*loss, *shares, *speed])
