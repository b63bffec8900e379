"""Watching a run: its progress, and what it measures on validation text."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch

from kobert_pipeline.ground.progress import Advance
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.evaluation import ValidationData, pseudo_perplexity
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.throughput import DTYPES, Cost, SpeedLog, Throughput, matmul_peak
from kobert_pipeline.training.sharding import compute

logger = logging.getLogger(__name__)

PSEUDO_PERPLEXITY = "pseudo_perplexity"


class Watch(lightning.Callback):
    """Progress, and the validation figures before the first step, every `validation_steps`, and after the last. Stands behind
    the callback that closes the curve.

    How fast the run is goes to the live logs alone: what is hashed follows from content.
    """

    def __init__(self, validation: ValidationData, config: PretrainConfig, advance: Advance, folder: Path) -> None:
        self.validation, self.config, self.advance = validation, config, advance
        self._log = SpeedLog(folder / "speed.csv")
        self.measured: list[dict[str, float]] = []
        self.at_the_end: dict[str, float] = {}
        self._throughput: Throughput | None = None
        self._note, self._rows = "", 0

    def found(self) -> dict[str, Any]:
        """For the summary."""
        return {"validation": self.measured} | self.at_the_end

    def state_dict(self) -> dict[str, Any]:
        return {"measured": self.measured, "at_the_end": self.at_the_end}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.measured, self.at_the_end = state["measured"], state["at_the_end"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, PretrainModule)
        peak = matmul_peak(module.device, DTYPES[self.config.precision])
        logger.info("pretrain: matrix products in %s: %.3g TFLOP/s at most", self.config.precision, peak / 1e12)
        self._throughput, self._rows = Throughput(Cost.of(module.model), peak), len(module.curve)
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
            if module.global_step == module.horizon.total and self.validation.sentences:
                self._score_sentences(trainer, module)
            self._throughput.restart()

    def _is_due(self, module: PretrainModule) -> bool:
        """Not twice at a step: a checkpoint may have been written before or after the measurement."""
        step: int = module.global_step
        if self.measured and self.measured[-1]["step"] == step:
            return False
        return step % self.config.validation_steps == 0 or step == module.horizon.total

    def figures(self) -> list[tuple[int, float]]:
        """Step and validation loss of every measurement so far."""
        return [(int(values["step"]), values["mlm"]) for values in self.measured if "mlm" in values]

    def _report(self, trainer: lightning.Trainer, module: PretrainModule, throughput: Throughput) -> None:
        ranks = trainer.world_size
        figures = throughput.read(partial(trainer.strategy.reduce, reduce_op="sum") if ranks > 1 else None, ranks)
        module.log_dict(figures, batch_size=1)
        if trainer.is_global_zero:
            self._log.add(trainer.global_step, figures)
        self._note = note(module.curve[-1], figures)

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
        """The first pass of a process is slow, and by the time of a measurement the budget is divided. Draws nothing."""
        drawn = module.generator.get_state()
        module.measure(self.validation.batches[:1])
        module.generator.set_state(drawn)

    def _score_sentences(self, trainer: lightning.Trainer, module: PretrainModule) -> None:
        module.model.eval()
        with trainer.precision_plugin.forward_context():
            value = compute(module.model, pseudo_perplexity, self.validation.sentences, module.device)
        module.model.train()
        self.at_the_end = {PSEUDO_PERPLEXITY: value}
        logger.info(
            "pretrain: pseudo-perplexity %.1f over %d validation sentences", value, len(self.validation.sentences)
        )


def note(row: Mapping[str, float], figures: Mapping[str, float]) -> str:
    """One line for the progress bar, from the last row of the curve and the figures of the same steps."""
    pairs = [f"{name[:3]} {row[name]:.0%}" for name in ("nsp_accuracy", "sop_accuracy") if name in row]
    loss = [f"loss {row['mlm']:.3f}"] if "mlm" in row else []
    speed = [
        f"{figures['tokens_per_second']:,.0f} tokens/s",
        f"{figures['useful_share']:.0%} useful",
        f"MFU {figures['mfu']:.1%}",
    ]
    return ", ".join([*loss, *pairs, *speed])
