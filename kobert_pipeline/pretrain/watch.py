"""Watching a run: its progress, and what it measures on held-out text."""

from __future__ import annotations

import logging
import time
from typing import Any

import lightning.pytorch as lightning
import torch

from kobert_pipeline.execution import Advance
from kobert_pipeline.objectives.objective import Batch
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule

logger = logging.getLogger(__name__)


class Watch(lightning.Callback):
    """Progress, and the held-out figures before the first step, every `validation_steps`, and after the last."""

    def __init__(self, held_out: list[Batch], config: PretrainConfig, advance: Advance) -> None:
        self.held_out, self.config, self.advance = held_out, config, advance
        self.measured: list[dict[str, float]] = []
        self._seconds, self._tokens = time.monotonic(), 0

    def state_dict(self) -> dict[str, Any]:
        return {"measured": self.measured}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.measured = state["measured"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, PretrainModule)
        if trainer.global_step == 0:
            self._measure(module)
        self._seconds, self._tokens = time.monotonic(), module.tokens_seen

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        module.record()
        self.advance(1, self._note(module))
        if trainer.global_step % self.config.validation_steps == 0 or trainer.global_step == self.config.max_steps:
            self._measure(module)

    def _measure(self, module: PretrainModule) -> None:
        state = torch.get_rng_state()
        values = module.held_out(self.held_out)
        torch.set_rng_state(state)
        self.measured.append({"step": module.global_step, "tokens": module.tokens_seen} | values)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        logger.info("pretrain: step %s, held out: %s", f"{module.global_step:,}", shown)

    def _note(self, module: PretrainModule) -> str:
        rate = (module.tokens_seen - self._tokens) / (time.monotonic() - self._seconds + 1e-9)
        loss = f"loss {module.curve[-1]['mlm']:.3f}, " if module.curve and "mlm" in module.curve[-1] else ""
        return f"{loss}{rate:,.0f} tokens/s"
