"""The pretraining stage: trains, measures on validation text, exports a Hugging Face folder. The only I/O of this package.

`model/` is the exported folder, `losses.csv` the curve, `metrics.json` the validation figures. Checkpoints and live logs stand
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
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from torch import nn

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_json
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.alarms import Alarms
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.evaluation import ValidationData
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.loader import loader
from kobert_pipeline.pretrain.loggers import loggers
from kobert_pipeline.pretrain.loop import Budget, Curve, StopOnSigterm, write_curve
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.start import load_weights, vocabulary_rows
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.pretrain.watch import Watch
from kobert_pipeline.training.checkpoints import AtomicCheckpoints, latest_readable, save, step_of
from kobert_pipeline.training.memory import keep_freed_memory
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.ranks import Turns, is_first, launched
from kobert_pipeline.training.sharding import Sharded, is_divided

logger = logging.getLogger(__name__)

MODEL, CHECKPOINTS = "model", "checkpoints"
PRECISIONS = {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}


def build(
    config: PretrainConfig, tokenizer: Path, dataset: Path, out: Workspace, *, seed: int, start: Path | None = None
) -> dict[str, Any]:
    """Fills `out` with a trained model, which begins with the weights in `start` or at random. Returns the manifest's summary,
    in a process that is not the first nothing."""
    _require_devices(config)
    started = time.monotonic()
    store = Store(dataset)
    objective, architecture = OBJECTIVES[config.objective["name"]], ARCHITECTURES[config.architecture["name"]]
    store.require_tokenizer(tokenizer)
    info = tokenizer_info(tokenizer)
    stream = BatchStream(store, objective, config, info, seed)
    stream.require_batches()
    validation = ValidationData.of(store, objective, config, info)
    if not validation.batches:
        raise InputError("No validation text to measure on: raise dataset.validation_share, or add documents.")
    keep_freed_memory()
    lightning.seed_everything(seed, workers=False, verbose=False)
    rows = vocabulary_rows(start, tokenizer, info.vocab_size)
    shape = ModelSpec(rows, info.pad_id, info.cls_id, info.sep_id, config.max_length, config.attention)
    model = architecture.build(config.sizes, shape, objective.heads)
    if start is not None:
        load_weights(model, start, with_pairs="sequence_pair" in objective.heads)
    if config.gradient_checkpointing:
        _checkpoint_gradients(model)
    if config.compile:
        _compile(model)
    module = PretrainModule(model, objective, config, stream)
    with fitting():
        found = _fit(module, config, validation, out)
        if not is_first():
            return {}
        if is_divided(module.model):
            fresh = architecture.build(config.sizes, shape, objective.heads)
            _gather(module, fresh, out.run_folder / CHECKPOINTS)
        _export(module, architecture.model_inputs, architecture.export, tokenizer, config, out.path / MODEL)
    write_curve(out.path / "losses.csv", module.curve)
    summary = _summary(module, config, store) | found
    write_json(out.path / "metrics.json", summary)
    measured = summary["validation"]
    term = next(name for name in measured[-1] if name not in ("step", "tokens"))
    logger.info(
        "pretrain: validation %s loss %.3f -> %.3f nats (unigram entropy %.2f) after %s tokens in %.1f min",
        term, measured[0][term], measured[-1][term], summary["unigram_entropy"],
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


def _compile(model: nn.Module) -> None:
    """Layer by layer: they are alike, so that one compilation serves them all. Names of weights stay as they are."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    for part in model.modules():
        if isinstance(part, GradientCheckpointingLayer):
            part.compile()


def _fit(module: PretrainModule, config: PretrainConfig, validation: ValidationData, out: Workspace) -> dict[str, Any]:
    """Runs to the last step, from the last readable checkpoint where there is one. Returns what was measured and noticed."""
    folder = out.run_folder / CHECKPOINTS
    found = latest_readable(folder)
    if found:
        module.horizon = Horizon(config, **found[1]["kobert"]["horizon"])
        logger.info("pretrain: resumes from %s", found[0].name)
    start = found[0] if found else None
    total, done = module.horizon.total, step_of(start) if start else 0
    del found
    store, blocks = module.stream.store, module.stream.blocks
    alarms = Alarms(config, store.summary["unigram_entropy"], folder)
    alarms.look_at(store.read(blocks[0]))
    with progress("pretrain", total, "steps", done=done) as advance:
        turns = Turns()
        watch = Watch(validation, config, advance, out.run_folder)
        trainer = lightning.Trainer(
            max_steps=total if total is not None else -1,
            max_epochs=-1,
            accelerator="auto",
            devices=config.devices,
            num_nodes=config.nodes,
            strategy=_strategy(config),
            precision=PRECISIONS[config.precision],
            logger=loggers(out.run_folder, config),
            log_every_n_steps=config.log_steps,
            callbacks=[
                alarms,
                Curve(out.run_folder / "losses.csv"),
                Budget(config, folder, turns, validation.cost_of_sentences),
                StopOnSigterm(folder, config.keep_last, turns),
                watch,
                AtomicCheckpoints(
                    folder,
                    config.checkpoint_minutes,
                    turns,
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
        trainer.fit(module, loader(module.stream, config.workers), ckpt_path=start, weights_only=True)
        save(trainer, folder, config.keep_last)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    return watch.found() | alarms.found()


def _strategy(config: PretrainConfig) -> Any:
    ranks = config.devices * config.nodes
    if ranks == 1:
        return "auto"
    return Sharded(ranks) if config.strategy == "fsdp" else "ddp"


def _cluster() -> list[SLURMEnvironment]:
    """SLURM without Lightning's own requeueing, which keeps checkpoints of its own: a job that is started again resumes."""
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        return [SLURMEnvironment(auto_requeue=False)]
    return []


def _gather(module: PretrainModule, fresh: nn.Module, folder: Path) -> None:
    """In place of a divided model puts a whole one with the weights of the last checkpoint."""
    found = latest_readable(folder)
    assert found is not None
    module.model = fresh
    module.load_state_dict(found[1]["state_dict"])


def _export(
    module: PretrainModule,
    model_inputs: tuple[str, ...],
    export: Any,
    tokenizer: Path,
    config: PretrainConfig,
    folder: Path,
) -> None:
    """Weights, configuration and tokenizer in one folder. Runs again from the start if it was interrupted."""
    folder.mkdir(exist_ok=True)
    export(module.model, folder)
    fast = auto_tokenizer(
        tokenizer, model_max_length=config.architecture["positions"], model_input_names=list(model_inputs)
    )
    fast.save_pretrained(folder)
    (folder / "vocab.txt").write_bytes((tokenizer / "vocab.txt").read_bytes())


def _summary(module: PretrainModule, config: PretrainConfig, store: Store) -> dict[str, Any]:
    parameters = sum(parameter.numel() for parameter in module.model.parameters())
    return {
        "objective": config.objective["name"],
        "architecture": config.architecture["name"],
        "parameters": parameters,
        "steps": module.horizon.total,
        "tokens": module.tokens_seen,
        "epochs": module.cursor["epoch"],
        "unigram_entropy": store.summary["unigram_entropy"],
    } | ({"packing": module.stream.packing} if module.stream.packing else {})
