"""The pretraining stage: trains, measures on held-out text, exports a Hugging Face folder. The only I/O of this package.

`model/` is the exported folder, `losses.csv` the curve, `metrics.json` the held-out figures. Checkpoints and live logs stand
under `run/`; a killed run goes on from the last checkpoint and ends with the same weights. Of several processes the first
one writes.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from torch import nn
from torch.utils.data import DataLoader

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelFacts
from kobert_pipeline.artifacts import Workspace, write_json
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.errors import InputError
from kobert_pipeline.execution import Advance, progress
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import Batch
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream, validation_batches
from kobert_pipeline.pretrain.facts import tokenizer_facts
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loop import Budget, Curve, StopOnSigterm, write_curve
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import AtomicCheckpoints, latest_readable, save, step_of
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.ranks import is_first, launched

logger = logging.getLogger(__name__)

MODEL = "model"
PRECISIONS = {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}


def build(config: PretrainConfig, tokenizer: Path, dataset: Path, out: Workspace, *, seed: int) -> dict[str, Any]:
    """Fills `out` with a trained model. Returns the manifest's summary, in a process that is not the first nothing."""
    _require_devices(config)
    started = time.monotonic()
    store = Store(dataset)
    objective, architecture = OBJECTIVES[config.objective["name"]], ARCHITECTURES[config.architecture["name"]]
    store.require_tokenizer(tokenizer)
    facts = tokenizer_facts(tokenizer)
    stream = BatchStream(store, objective, config, facts, seed)
    stream.require_batches()
    held_out = validation_batches(store, objective, config, facts)
    if not held_out:
        raise InputError("No held-out text to measure on: raise dataset.validation_share, or add documents.")
    lightning.seed_everything(seed, workers=False, verbose=False)
    shape = ModelFacts(facts.vocab_size, facts.pad_id, facts.cls_id, facts.sep_id, config.max_length)
    model = architecture.build(config.sizes, shape, objective.heads)
    if config.gradient_checkpointing:
        _checkpoint_gradients(model)
    module = PretrainModule(model, objective, config, stream)
    with fitting():
        measured = _fit(module, config, held_out, out)
        if not is_first():
            return {}
        _export(module, architecture.model_inputs, architecture.export, tokenizer, config, out.path / MODEL)
    write_curve(out.path / "losses.csv", module.curve)
    summary = _summary(module, config, store, measured)
    write_json(out.path / "metrics.json", summary)
    logger.info(
        "pretrain: held-out MLM loss %.3f -> %.3f nats (unigram entropy %.2f) after %s tokens in %.1f min",
        summary["held_out"][0]["mlm"], summary["held_out"][-1]["mlm"], summary["unigram_entropy"],
        f"{module.tokens_seen:,}", (time.monotonic() - started) / 60,
    )  # fmt: skip
    return summary


def _require_devices(config: PretrainConfig) -> None:
    """Raises InputError for what the machine, or the launcher, has not."""
    if config.precision == "fp16" and not torch.cuda.is_available():
        raise InputError("pretrain.precision: fp16 needs a GPU; a CPU computes bf16 or fp32.")
    if torch.cuda.is_available() and torch.cuda.device_count() < config.devices:
        raise InputError(f"pretrain.devices: {config.devices}, and this machine has {torch.cuda.device_count()} GPUs.")
    wanted, started = config.devices * config.nodes, launched()
    if started is not None and started != wanted:
        raise InputError(
            f"torchrun started {started} processes, the recipe names {config.devices} devices on each of {config.nodes} nodes: set pretrain.devices and pretrain.nodes."
        )


def _checkpoint_gradients(model: nn.Module) -> None:
    """In the transformer inside. The recomputed layer draws the same dropout: results are the same to the bit."""
    from transformers import PreTrainedModel

    for part in model.modules():
        if isinstance(part, PreTrainedModel):
            part.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            return


def _fit(
    module: PretrainModule, config: PretrainConfig, held_out: list[Batch], out: Workspace
) -> list[dict[str, float]]:
    """Runs to the last step, from the last readable checkpoint where there is one. Returns the held-out figures by step."""
    folder = out.run_folder / "checkpoints"
    found = latest_readable(folder)
    if found:
        module.horizon = Horizon(config, **found[1]["kobert"]["horizon"])
        logger.info("pretrain: resumes from %s", found[0].name)
    start = found[0] if found else None
    total, done = module.horizon.total, step_of(start) if start else 0
    del found
    with progress("pretrain", total, "steps", done=done) as advance:
        watch = _Watch(held_out, config, advance)
        trainer = lightning.Trainer(
            max_steps=total if total is not None else -1,
            max_epochs=-1,
            accelerator="auto",
            devices=config.devices,
            num_nodes=config.nodes,
            strategy="ddp" if config.devices * config.nodes > 1 else "auto",
            precision=PRECISIONS[config.precision],
            logger=TensorBoardLogger(out.run_folder, name="tensorboard"),
            log_every_n_steps=config.log_steps,
            callbacks=[
                Curve(out.run_folder / "losses.csv"),
                Budget(config, folder),
                StopOnSigterm(folder, config.keep_last),
                watch,
                AtomicCheckpoints(
                    folder,
                    config.checkpoint_minutes,
                    config.keep_last,
                    watch.figures if config.keep_best else None,
                ),
            ],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            plugins=_cluster(),
        )
        loader = DataLoader(module.stream, batch_size=None, num_workers=0)  # workers slow a CPU run down
        trainer.fit(module, loader, ckpt_path=start, weights_only=True)
        save(trainer, folder, config.keep_last)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    return watch.measured


def _cluster() -> list[SLURMEnvironment]:
    """SLURM without Lightning's own requeueing, which keeps checkpoints of its own: a job that is started again resumes."""
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        return [SLURMEnvironment(auto_requeue=False)]
    return []


class _Watch(lightning.Callback):
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
        if self._is_due(module):
            self._measure(module)
        self._seconds, self._tokens = time.monotonic(), module.tokens_seen

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, PretrainModule)
        self.advance(1, self._note(module), module.horizon.total)
        if self._is_due(module):
            self._measure(module)

    def _is_due(self, module: PretrainModule) -> bool:
        """Not twice at a step: a checkpoint may have been written before or after the measurement."""
        step: int = module.global_step
        if self.measured and self.measured[-1]["step"] == step:
            return False
        return step % self.config.validation_steps == 0 or step == module.horizon.total

    def figures(self) -> list[tuple[int, float]]:
        """Step and held-out loss of every measurement so far."""
        return [(int(values["step"]), values["mlm"]) for values in self.measured if "mlm" in values]

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


def _export(
    module: PretrainModule,
    model_inputs: tuple[str, ...],
    export: Any,
    tokenizer: Path,
    config: PretrainConfig,
    folder: Path,
) -> None:
    """Weights, configuration and tokenizer in one folder. Runs again from the start if it was interrupted."""
    from transformers import AutoTokenizer

    folder.mkdir(exist_ok=True)
    export(module.model, folder)
    fast = AutoTokenizer.from_pretrained(
        tokenizer, model_max_length=config.architecture["positions"], model_input_names=list(model_inputs)
    )
    fast.save_pretrained(folder)
    (folder / "vocab.txt").write_bytes((tokenizer / "vocab.txt").read_bytes())


def _summary(
    module: PretrainModule, config: PretrainConfig, store: Store, measured: list[dict[str, float]]
) -> dict[str, Any]:
    parameters = sum(parameter.numel() for parameter in module.model.parameters())
    return {
        "objective": config.objective["name"],
        "architecture": config.architecture["name"],
        "parameters": parameters,
        "steps": module.horizon.total,
        "tokens": module.tokens_seen,
        "epochs": module.cursor["epoch"],
        "unigram_entropy": store.summary["unigram_entropy"],
        "held_out": measured,
    }
