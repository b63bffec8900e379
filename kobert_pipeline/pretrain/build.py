"""The pretraining stage: trains, measures on validation data, exports Hugging Face folders. The only I/O of this package.

`model/` is the exported student (other trained roles have folders of their own), `losses.csv` the curve, `metrics.json` the
validation figures. Checkpoints and live logs are under `run/`. A killed run goes on from the last checkpoint and ends with the
same weights. If there are several processes, the first one writes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from torch import nn

from kobert_pipeline.architectures.architecture import Architecture
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.amounts import shown_seconds
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.pretrained_run import MeasuredOn
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_json
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, put_cls_last, save_tokenizer
from kobert_pipeline.objectives.objective import Objective, TextFigures, TokenizerInfo
from kobert_pipeline.pretrain.alarms import Alarms, Level
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.evaluation import ValidationData
from kobert_pipeline.pretrain.frozen_models import student_rows
from kobert_pipeline.pretrain.horizon import Horizon
from kobert_pipeline.pretrain.kept_models import KeepSteps, export_kept
from kobert_pipeline.pretrain.loader import loader
from kobert_pipeline.pretrain.loggers import loggers
from kobert_pipeline.pretrain.loop import Budget, Curve, StopOnSignal, write_curve
from kobert_pipeline.pretrain.machine import settled
from kobert_pipeline.pretrain.models import Models, architecture_of, build_models, layers_of, objective_of
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.start import is_tied, load_weights
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.pretrain.trust import measured_on
from kobert_pipeline.pretrain.watch import Watch
from kobert_pipeline.training.checkpoints import AtomicCheckpoints, latest_readable, save, step_of
from kobert_pipeline.training.layerwise import checkpoint_gradients, compile_layers
from kobert_pipeline.training.memory import keep_freed_memory
from kobert_pipeline.training.precision import LIGHTNING
from kobert_pipeline.training.quiet import fitting
from kobert_pipeline.training.ranks import Turns, is_first
from kobert_pipeline.training.sharding import Sharded, is_divided

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class _Begun:
    """A run that was stopped."""

    checkpoint: Path
    horizon: dict[str, Any]
    precision: str | None
    """None in a checkpoint of a version that did not choose."""


def build(
    config: PretrainConfig, tokenizer: Path, dataset: Path, out: Workspace, *, seed: int, start: Path | None = None,
    folders: Mapping[str, Path] | None = None, keep: Collection[int] = (),
) -> dict[str, Any]:  # fmt: skip
    """Fills `out` with a trained model, which begins with the weights in `start` or at random. Returns the manifest's summary;
    in a process that is not the first, an empty one.

    `folders`: name of an input of the objective -> its folder. `keep`: steps whose models are exported, too. Raises InputError for
    data, weights or a machine that do not suffice.
    """
    started, begun = time.monotonic(), _begun(out.run_folder / CHECKPOINTS)
    config = settled(config, begun.precision if begun else None)
    store, objective, architecture = Store(dataset), objective_of(config), architecture_of(config)
    store.require_tokenizer(tokenizer)
    info = tokenizer_info(tokenizer)
    stream = BatchStream(store, objective, config, info, seed)
    stream.require_batches()
    validation = _validation_data(store, objective, config, info)
    keep_freed_memory()
    lightning.seed_everything(seed, workers=False, verbose=False)
    rows = student_rows(start, folders or {}, tokenizer, info.vocab_size)
    fresh = partial(build_models, config, info, folders or {}, rows, tied=is_tied(start))
    models = fresh()
    if start is not None:
        load_weights(models.student, start, architecture.weights, objective.heads(config.options))
    module = PretrainModule(models, objective, config, stream, _prepare_layers(models, config, architecture))
    with fitting():
        noticed = _fit(module, config, validation, out, keep, begun)
        if not is_first():
            return {}
        if is_divided(module.model):
            _gather(module, fresh(), out.run_folder / CHECKPOINTS)
        export = partial(_export, architecture=architecture, tokenizer=tokenizer, config=config)
        export(module.model, folder=out.path)
    write_curve(out.path / "losses.csv", module.curve)
    summary = _summary(module, store, noticed) | _baseline(objective, store, validation, info)
    write_json(out.path / "metrics.json", summary)
    export_kept(out.run_folder, out.run_folder / CHECKPOINTS, module, fresh, export)
    _report(summary, time.monotonic() - started)
    return summary


def _validation_data(store: Store, objective: Objective, config: PretrainConfig, info: TokenizerInfo) -> ValidationData:
    data = ValidationData.of(store, objective, config, info)
    if not data.batches:
        raise InputError("No validation data to measure on: raise dataset.validation_share, or add documents.")
    return data


def _report(summary: Mapping[str, Any], seconds: float) -> None:
    where = MeasuredOn(**summary["measured_on"]).spoken(summary["use"])
    headline, chance, measured = summary["headline"], summary["chance"], summary["validation"]
    logger.info(
        "pretrain: validation %s %.3f -> %.3f (%s %.2f) %s; after %s tokens in %s",
        headline, measured[0][headline], measured[-1][headline], chance["name"], chance["value"], where,
        f"{summary['tokens']:,}", shown_seconds(seconds),
    )  # fmt: skip


def _prepare_layers(models: Models, config: PretrainConfig, architecture: Architecture) -> list[nn.Module]:
    """Compiles and checkpoints the layers of every trained model as the recipe asks, and returns them."""
    layers = layers_of(models, architecture)
    if config.compile:
        compile_layers(layers)
    if config.gradient_checkpointing:
        checkpoint_gradients(layers)
    return layers


def _fit(
    module: PretrainModule,
    config: PretrainConfig,
    validation: ValidationData,
    out: Workspace,
    keep: Collection[int],
    begun: _Begun | None,
) -> dict[str, Any]:
    """Runs to the last step, from the checkpoint of a run that was begun. Returns what was measured and noticed."""
    folder = out.run_folder / CHECKPOINTS
    if begun is not None:
        module.horizon = Horizon(config, **begun.horizon)
        logger.info("pretrain: resumes from %s", begun.checkpoint.name)
    total, done = module.horizon.total, step_of(begun.checkpoint) if begun else 0
    store, blocks = module.stream.store, module.stream.blocks
    alarms = Alarms(config, _level(module.objective, config, store), folder)
    alarms.look_at(store.read(blocks[0]))
    size = measured_on(store, module.objective, validation.batches)
    with progress("pretrain", total, "steps", done=done) as advance:
        turns = Turns()
        watch = Watch(validation, config, module.objective.headline, advance, out.run_folder)
        callbacks = [
            alarms,
            Curve(out.run_folder / "losses.csv"),
            Budget(config, folder, turns, validation.cost_of_measures),
            StopOnSignal(folder, config.keep_last, turns),
            watch,
            *([KeepSteps(folder, keep, config.keep_last)] if keep else []),
            AtomicCheckpoints(
                folder, config.checkpoint_minutes, turns, config.keep_last, watch.figures if config.keep_best else None
            ),
        ]
        trainer = trainer_for(config, total, callbacks, out.run_folder)
        trainer.fit(
            module, loader(module.stream, config.workers), ckpt_path=begun and begun.checkpoint, weights_only=True
        )
        save(trainer, folder, config.keep_last)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    return watch.summary() | alarms.summary() | {"measured_on": asdict(size)}


def trainer_for(config: PretrainConfig, total: int | None, callbacks: list[Any], folder: Path) -> lightning.Trainer:
    """`total`: steps of the run, None until its length is fixed."""
    return lightning.Trainer(
        max_steps=total if total is not None else -1,
        max_epochs=-1,
        accelerator="auto",
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=_strategy(config),
        precision=LIGHTNING[config.precision],
        logger=loggers(folder, config),
        log_every_n_steps=config.log_steps,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=_cluster(),
    )


def _begun(folder: Path) -> _Begun | None:
    """The run that goes on, by its last readable checkpoint. The weights are read again later, not held."""
    latest = latest_readable(folder)
    if latest is None:
        return None
    path, state = latest
    return _Begun(path, state["kobert"]["horizon"], state["kobert"].get("precision"))


def _level(objective: Objective, config: PretrainConfig, store: Store) -> Level:
    text = TextFigures(store.summary.unigram_entropy, store.summary.train.characters_per_token)
    return Level(objective.headline, objective.chance.name, objective.chance.value(text, config.options))


def _baseline(objective: Objective, store: Store, validation: ValidationData, info: TokenizerInfo) -> dict[str, Any]:
    if objective.baseline is None:
        return {}
    name, value = objective.baseline(store, validation.batches, info)
    logger.info("pretrain: %s on the same validation text: %.3f", name, value)
    return {"baseline": {"name": name, "value": round(value, 4)}}


def _strategy(config: PretrainConfig) -> Any:
    ranks = config.devices * config.nodes
    if ranks == 1:
        return "auto"
    return Sharded(ranks) if config.strategy == "fsdp" else "ddp"


def _cluster() -> list[SLURMEnvironment]:
    """SLURM without Lightning's own requeueing, which writes its own checkpoints: a job that is started again resumes."""
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        return [SLURMEnvironment(auto_requeue=False)]
    return []


def _gather(module: PretrainModule, fresh: Models, folder: Path) -> None:
    """Replaces divided models by whole ones with the weights of the last checkpoint."""
    latest = latest_readable(folder)
    assert latest is not None
    module.model = fresh
    module.load_state_dict(latest[1]["state_dict"])


def _export(models: Models, architecture: Architecture, tokenizer: Path, config: PretrainConfig, folder: Path) -> None:
    """Each trained model with its tokenizer in a folder of its own. Runs again from the start if it was interrupted."""
    inputs = list(architecture.model_inputs)
    fast = auto_tokenizer(tokenizer, model_max_length=config.max_length, model_input_names=inputs)
    if architecture.cls_last:
        put_cls_last(fast)
    for name in architecture.export(dict(models.roles.items()), folder):
        save_tokenizer(fast, folder / name)
        if (tokenizer / "vocab.txt").is_file():
            (folder / name / "vocab.txt").write_bytes((tokenizer / "vocab.txt").read_bytes())


def _summary(module: PretrainModule, store: Store, noticed: dict[str, Any]) -> dict[str, Any]:
    """What follows from the objective and the run. Pages and cards read these figures, and no objective by name.
    Parameters are those that are exported. `noticed`: what was measured on the way, which is part of it."""
    objective, config, student = module.objective, module.config, module.model.student.transformer
    level = _level(objective, config, store)
    further = [figure for figure in objective.figures_if_measured if figure.name in noticed["validation"][-1]]
    shown = [*objective.figures, *further, *(figure for measure in objective.measures for figure in measure.figures)]
    packing = {"packing": module.stream.packing} if module.stream.packing else {}
    summary = {
        "objective": objective.name,
        "architecture": config.architecture["name"],
        "use": objective.use,
        "precision": config.precision,
        "parameters": sum(parameter.numel() for parameter in student.parameters()),
        "steps": module.horizon.total,
        "tokens": module.tokens_seen,
        "epochs": module.cursor["epoch"],
        "unigram_entropy": store.summary.unigram_entropy,
        "headline": level.headline,
        "chance": {"name": level.name, "value": round(level.value, 4)},
        "figures": [asdict(figure) for figure in shown],
    }
    return summary | packing | noticed
