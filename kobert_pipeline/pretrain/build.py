"""The pretraining stage: trains, measures on held-out text, exports a Hugging Face folder. The only I/O of this package.

`model/` is the exported folder, `losses.csv` the curve, `metrics.json` the held-out figures. Checkpoints and live logs stand
under `run/`; a killed run goes on from the last checkpoint and ends with the same weights.
"""

from __future__ import annotations

import csv
import logging
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelFacts
from kobert_pipeline.artifacts import Workspace, atomic_path, write_json
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.errors import InputError
from kobert_pipeline.execution import progress
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.alarms import Alarms
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.evaluation import HeldOut
from kobert_pipeline.pretrain.facts import tokenizer_facts
from kobert_pipeline.pretrain.loader import loader
from kobert_pipeline.pretrain.loggers import loggers
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.start import load_weights, vocabulary_rows
from kobert_pipeline.pretrain.watch import Watch
from kobert_pipeline.training.checkpoints import AtomicCheckpoints, checkpoints, save, step_of
from kobert_pipeline.training.memory import keep_freed_memory
from kobert_pipeline.training.quiet import fitting

logger = logging.getLogger(__name__)

MODEL = "model"
PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}


def build(
    config: PretrainConfig, tokenizer: Path, dataset: Path, out: Workspace, *, seed: int, start: Path | None = None
) -> dict[str, Any]:
    """Fills `out` with a trained model, which begins with the weights in `start` or at random. Returns the manifest's summary."""
    started = time.monotonic()
    store = Store(dataset)
    objective, architecture = OBJECTIVES[config.objective["name"]], ARCHITECTURES[config.architecture["name"]]
    store.require_tokenizer(tokenizer)
    facts = tokenizer_facts(tokenizer)
    stream = BatchStream(store, objective, config, facts, seed)
    stream.require_batches()
    held_out = HeldOut.of(store, objective, config, facts)
    if not held_out.batches:
        raise InputError("No held-out text to measure on: raise dataset.validation_share, or add documents.")
    keep_freed_memory()
    lightning.seed_everything(seed, workers=False, verbose=False)
    rows = vocabulary_rows(start, tokenizer, facts.vocab_size)
    shape = ModelFacts(rows, facts.pad_id, facts.cls_id, facts.sep_id, config.max_length, config.attention)
    model = architecture.build(config.sizes, shape, objective.heads)
    if start is not None:
        load_weights(model, start, with_pairs="sequence_pair" in objective.heads)
    module = PretrainModule(model, objective, config, stream)
    with fitting():
        found = _fit(module, config, held_out, out)
        _export(module, architecture.model_inputs, architecture.export, tokenizer, config, out.path / MODEL)
    _write_curve(out.path / "losses.csv", module.curve)
    summary = _summary(module, config, store) | found
    write_json(out.path / "metrics.json", summary)
    measured = summary["held_out"]
    term = next(name for name in measured[-1] if name not in ("step", "tokens"))
    logger.info(
        "pretrain: held-out %s loss %.3f -> %.3f nats (unigram entropy %.2f) after %s tokens in %.1f min",
        term, measured[0][term], measured[-1][term], summary["unigram_entropy"],
        f"{module.tokens_seen:,}", (time.monotonic() - started) / 60,
    )  # fmt: skip
    return summary


def _fit(module: PretrainModule, config: PretrainConfig, held_out: HeldOut, out: Workspace) -> dict[str, Any]:
    """Runs to the last step, from the last checkpoint where there is one. Returns what was measured and noticed."""
    folder = out.run_folder
    found = checkpoints(folder / "checkpoints")
    with progress("pretrain", config.max_steps, "steps", done=step_of(found[-1]) if found else 0) as advance:
        watch = Watch(held_out, config, advance, folder)
        store, blocks = module.stream.store, module.stream.blocks
        alarms = Alarms(config, store.summary["unigram_entropy"], folder / "checkpoints")
        alarms.look_at(store.read(blocks[0]))
        trainer = lightning.Trainer(
            max_steps=config.max_steps,
            accelerator="auto",
            devices=1,
            precision=PRECISIONS[config.precision],
            gradient_clip_val=config.gradient_clip,
            logger=loggers(folder, config),
            log_every_n_steps=config.log_steps,
            callbacks=[alarms, watch, AtomicCheckpoints(folder / "checkpoints", config.checkpoint_minutes)],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        if found:
            logger.info("pretrain: resumes from %s", found[-1].name)
        trainer.fit(
            module, loader(module.stream, config.workers), ckpt_path=found[-1] if found else None, weights_only=True
        )
        save(trainer, folder / "checkpoints")
    return watch.found() | alarms.found()


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


def _write_curve(path: Path, curve: list[dict[str, float]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(curve[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(curve)


def _summary(module: PretrainModule, config: PretrainConfig, store: Store) -> dict[str, Any]:
    parameters = sum(parameter.numel() for parameter in module.model.parameters())
    return {
        "objective": config.objective["name"],
        "architecture": config.architecture["name"],
        "parameters": parameters,
        "steps": config.max_steps,
        "tokens": module.tokens_seen,
        "epochs": module.cursor["epoch"],
        "unigram_entropy": store.summary["unigram_entropy"],
    } | ({"packing": module.stream.packing} if module.stream.packing else {})
