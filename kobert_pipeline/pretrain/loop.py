"""What happens between steps, except measurements and checkpoints: the budget is converted into steps, the curve is written,
SIGTERM ends the run in good order."""

from __future__ import annotations

import csv
import logging
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import psutil
import torch

from kobert_pipeline.ground.amounts import shown_memory, shown_seconds
from kobert_pipeline.ground.errors import Interrupted, Terminated
from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.ground.messages import say
from kobert_pipeline.pretrain.budget import (
    LEFT_OUT,
    MEASURED,
    SPENT,
    Measured,
    disk_bytes,
    seconds_left,
    steps_for_minutes,
    steps_for_tokens,
)
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import save
from kobert_pipeline.training.ranks import Turns

logger = logging.getLogger(__name__)

FEWEST = 3
"""Steps that are measured even if little is left of the budget."""


class Budget(lightning.Callback):
    """Measures the first steps, converts tokens or minutes into steps, and reports what the run will take.

    The length is fixed after MEASURED steps (the first LEFT_OUT of a process do not count), or when SPENT of the budget is gone.
    What was measured before a kill counts. This callback comes after the one that closes the curve, and before those that
    measure on validation data and write checkpoints.

    `at_the_end`: the cost of the further measures after the last step, in measurements on validation data.
    """

    def __init__(self, config: PretrainConfig, folder: Path, turns: Turns, at_the_end: float = 0.0) -> None:
        self.config, self.folder, self.turns, self.at_the_end = config, folder, turns, at_the_end
        self._began = time.monotonic()
        self._before = 0.0
        self._steps, self._seconds, self._evaluation = 0, 0.0, 0.0
        self._own = 0
        self._passes: list[float] = []
        self._batches: list[float] = []
        self._reported = False

    def state_dict(self) -> dict[str, Any]:
        return {
            "elapsed": self._elapsed(), "steps": self._steps, "seconds": self._seconds, "evaluation": self._evaluation,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._before, self._steps, self._seconds = state["elapsed"], state["steps"], state["seconds"]
        self._evaluation = state["evaluation"]

    def _elapsed(self) -> float:
        return self._before + time.monotonic() - self._began

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        if self._reported and module.horizon.total is not None:
            return
        self._own += 1
        self._evaluation = module.validation_seconds or self._evaluation
        if self._own > LEFT_OUT:
            self._steps, self._seconds = self._steps + 1, self._seconds + time.monotonic() - module.step_began
        if module.horizon.total is None and self._is_agreed(trainer, self._is_due(module)):
            self._fix_length(trainer, module)
        if module.horizon.total is not None and self._is_agreed(trainer, self._is_measured(module)):
            self._report(trainer, module, module.horizon.total)

    def _is_agreed(self, trainer: lightning.Trainer, decision: bool) -> bool:
        """Clocks differ between ranks: the first rank decides."""
        return bool(trainer.strategy.reduce_boolean_decision(decision and trainer.is_global_zero, all=False))

    def _is_due(self, module: PretrainModule) -> bool:
        """With a budget of tokens the length is fixed at a step that no clock and no kill can shift."""
        if self.config.max_tokens is not None:
            return module.global_step >= LEFT_OUT + MEASURED or self._spent(module) >= SPENT
        return self._is_measured(module)

    def _is_measured(self, module: PretrainModule) -> bool:
        return self._steps >= MEASURED or (self._steps >= FEWEST and self._spent(module) >= SPENT)

    def _spent(self, module: PretrainModule) -> float:
        """The share of the budget that is used up."""
        if self.config.max_minutes is not None:
            return self._elapsed() / (60 * self.config.max_minutes)
        if self.config.max_tokens is not None:
            return module.tokens_seen / self.config.max_tokens
        return float(module.global_step / (self.config.max_steps or 1))

    def _fix_length(self, trainer: lightning.Trainer, module: PretrainModule) -> None:
        """The checkpoint that stores the length is written twice: the first one shows how long writing takes."""
        began = time.monotonic()
        save(trainer, self.folder, self.config.keep_last)
        measured = self._measured(module, checkpoint=time.monotonic() - began)
        convert = steps_for_minutes if self.config.max_minutes is not None else steps_for_tokens
        wanted = trainer.strategy.broadcast(convert(self.config, measured))
        module.horizon = module.horizon.fixed(module.global_step, wanted)
        assert module.horizon.total is not None
        if module.horizon.total > wanted:
            logger.warning("pretrain: the budget was used up after the %d steps that measure it.", module.global_step)
        trainer.fit_loop.epoch_loop.max_steps = module.horizon.total
        save(trainer, self.folder, self.config.keep_last)

    def _measured(self, module: PretrainModule, checkpoint: float = 0.0) -> Measured:
        if not self._passes:
            self._look_ahead(module)
        step = self._seconds / max(1, self._steps)
        return Measured(
            module.global_step, module.tokens_seen, self._elapsed(), step,
            self._passes, self._batches, self._evaluation, self.at_the_end * self._evaluation, checkpoint,
        )  # fmt: skip

    def _look_ahead(self, module: PretrainModule) -> None:
        """Draws a batch of every phase and, if there are several phases, passes over it: what does not fit into memory shows
        here, not when the phase begins."""
        for number in range(len(self.config.phases)):
            batch, tokens, mean = module.stream.sample(number)
            self._batches.append(mean)
            self._passes.append(module.seconds_of(batch) * mean / tokens if len(self.config.phases) > 1 else 1.0)

    def _report(self, trainer: lightning.Trainer, module: PretrainModule, total: int) -> None:
        self._reported = True
        if trainer.world_size > 1:
            self.turns.about_every_second(trainer.strategy.broadcast(self._seconds / max(1, self._steps)))
        left = seconds_left(self.config, self._measured(module), total)
        if not trainer.is_global_zero:
            return
        disk = disk_bytes(self.config, sum(parameter.numel() for parameter in module.model.parameters()))
        logger.info(
            "pretrain: %s steps, about %s left at %.3g s per step; memory %s%s; checkpoints take %s of disk",
            f"{total:,}", shown_seconds(left), self._seconds / max(1, self._steps), shown_memory(peak_bytes()),
            " of the GPU" if torch.cuda.is_available() else "", shown_memory(disk),
        )  # fmt: skip
        self._warn_of_a_small_disk(disk)

    def _warn_of_a_small_disk(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder.parent).free
        if free < needed:
            logger.warning(
                "pretrain: checkpoints will take %s and the disk has %s: free some space, or lower keep_last.",
                shown_memory(needed), shown_memory(free),
            )  # fmt: skip


def peak_bytes() -> int:
    """The most memory that was used so far: of the GPU if there is one, else by this process (on Windows: the present use)."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().rss)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Curve(lightning.Callback):
    """Closes rows of the loss curve, and keeps their file up to date: even after a kill it holds each step once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, PretrainModule)
        if trainer.is_global_zero and module.curve:
            write_curve(self.path, module.curve)

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        rows = len(module.curve)
        module.record()
        if trainer.is_global_zero and len(module.curve) > rows:
            if rows == 0:
                write_curve(self.path, module.curve)
                return
            with self.path.open("a", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, fieldnames=list(module.curve[0]), lineterminator="\n")
                writer.writerow(module.curve[-1])


def write_curve(path: Path, curve: list[dict[str, float]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(curve[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(curve)


SIGNALS: dict[int, tuple[str, type[Terminated]]] = {
    signal.SIGTERM: ("SIGTERM", Terminated),
    signal.SIGINT: ("Ctrl-C", Interrupted),
}
"""What ends a run in good order -> its name, and the error."""
if hasattr(signal, "SIGHUP"):  # not on Windows
    SIGNALS[signal.SIGHUP] = "a closed terminal (SIGHUP)", Terminated


class StopOnSignal(lightning.Callback):
    """On SIGTERM (a job's time is over, a spot machine is taken back), on Ctrl-C and on a closed terminal: a checkpoint after the
    current step, then Terminated or Interrupted. A second Ctrl-C ends the run at once. A signal that is ignored, as `nohup` does
    with a closed terminal, stays ignored.

    Ranks stop at the same step, whichever of them gets the signal: at the next of `turns`. After the last step the run goes on
    to its end, because only measurements are left. This callback comes after the one that closes the curve and before those that
    take long.
    """

    def __init__(self, folder: Path, kept: int, turns: Turns) -> None:
        self.folder, self.kept, self.turns = folder, kept, turns
        self.asked = 0
        """The number of the signal that came; 0 if none did."""
        self._earlier: dict[int, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Replaces Lightning's own handler of SIGTERM, which ends the run without a checkpoint and calls other ranks from within
        the signal. Lightning restores the earlier one."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ask)
            for number in SIGNALS.keys() - {signal.SIGTERM}:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._earlier[number] = signal.signal(number, self._ask)

    def _ask(self, number: int, *_: Any) -> None:
        if number == signal.SIGINT:
            logger.warning("stopping after this step, with a checkpoint; Ctrl-C again stops at once.")
            self._restore()
        self.asked = number

    def _restore(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def on_exception(self, *_: Any) -> None:
        self._restore()

    def teardown(self, trainer: lightning.Trainer, module: lightning.LightningModule, stage: str) -> None:
        self._restore()

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        if module.global_step == module.horizon.total or not self.turns.has_come(module.global_step):
            return
        if trainer.strategy.reduce_boolean_decision(bool(self.asked), all=False):
            written = save(trainer, self.folder, self.kept)
            by, end = SIGNALS.get(self.asked, SIGNALS[signal.SIGTERM])  # 0: another rank got it
            raise end(
                say(
                    "stopped by {signal}; {file} holds everything up to step {step}. The same command goes on from there.",
                    signal=by,
                    file=written.name,
                    step=trainer.global_step,
                )
            )
