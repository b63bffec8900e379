"""The evaluation stage: fine-tunes, scores, and writes the table."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from klue_eval import baseline
from klue_eval.config import SPEC, EvaluationConfig, Initialisation, Protocol, task_settings
from klue_eval.data import SAMPLE
from klue_eval.inputs import (
    DEV,
    HELD_OUT,
    TaskData,
    data_files,
    data_name,
    folder_identity,
    hash_data,
    read_task,
    resolve_model,
    untrained_identity,
)
from klue_eval.plot import draw_scores
from klue_eval.results import aggregate, best_trial, render_table, summary_line
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.tasks import KNOWN
from klue_eval.units import ANALYSIS, SCORES, UNITS, Evaluation, Unit, finetuned, floor, rescore
from kobert_pipeline.ground.artifacts import Workspace, artifact_folder, is_complete
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ALONE, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress

__all__ = [
    "build",
    "data_files",
    "evaluate_model",
    "folder_identity",
    "hash_data",
    "rescore",
]

logger = logging.getLogger(__name__)

TABLE = "table.md"
PLOT = "scores.svg"
"""Under `run/`: what another version of matplotlib draws is no other result."""


def build(
    config: EvaluationConfig,
    model: Path | str,
    out: Workspace,
    *,
    root: Path,
    model_identity: str,
    seed: int,
    libraries: dict[str, str],
    data_hashes: dict[str, str] | None,
    execution: ExecutionConfig = ALONE,
) -> dict[str, Any]:
    """Scores the model in the folder `model` and fills `out` with `scores.json`, `analysis.json`, `table.md` and the plot of
    the table. Returns the summary.

    `data_hashes` is what `hash_data` says, and `model_identity` what the pretraining is known by.
    Raises InputError for a model that is no encoder with a tokenizer and for data that cannot be read.
    """
    trusted = config.trust_remote_code
    folder = resolve_model(model, trusted)
    _refuse_what_is_no_encoder(folder, trusted)
    evaluation = Evaluation(
        model=folder,
        root=root,
        model_identities={"pretrained": model_identity, "random": untrained_identity(folder, trusted)},
        data_hashes=data_hashes or hash_data(config, root),
        libraries=libraries,
        precision=config.precision,
        trust_remote_code=trusted,
    )
    data = {name: read_task(name, config.data, HELD_OUT if name in config.held_out else DEV) for name in config.tasks}
    comparisons = _comparisons(config, data, seed)
    name = data_name(config, evaluation.data_hashes, root)
    summary: dict[str, Any] = {
        "data": name,
        "sample": name == SAMPLE,
        "split": "dev",
        "parts": {} if name == SAMPLE else _all_parts(data),
        "protocols": {key: protocol.content() for key, protocol in config.protocols.items()},
        "unlabelled_rows": {task: rows.unlabelled for task, rows in data.items()},
        "results": _results(evaluation, comparisons, execution),
        "tfidf": _floors(evaluation, comparisons) if config.tfidf else {},
    }
    write_json(out.path / SCORES, summary)
    write_json(out.path / ANALYSIS, {"results": [_analysis(entry, root) for entry in summary["results"]]})
    write_text(out.path / TABLE, render_table(summary))
    write_text(out.run_folder / PLOT, draw_scores(summary))
    return summary


def _refuse_what_is_no_encoder(folder: Path, trust_remote_code: bool) -> None:
    """Before any data is read. Raises InputError."""
    from klue_eval.models import load_config, load_tokenizer

    load_config(folder, trust_remote_code)
    load_tokenizer(folder, trust_remote_code=trust_remote_code)


def _all_parts(data: Mapping[str, TaskData]) -> dict[str, dict[str, list[int]]]:
    """Those of the tasks of which not all rows are at hand."""
    found = {name: _parts(name, rows) for name, rows in data.items()}
    return {name: parts for name, parts in found.items() if parts}


def _parts(name: str, data: TaskData) -> dict[str, list[int]]:
    """Split -> rows with a label, and rows of the released data, where these are more."""
    counts = {} if data.split == HELD_OUT else {"train": len(data.train), "dev": len(data.dev)}
    sizes = KNOWN[name].sizes
    return {split: [count, sizes[split]] for split, count in counts.items() if count < sizes.get(split, 0)}


def _analysis(result: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """That of the first seed, named by its run."""
    unit = result["units"][0]
    named = {key: result[key] for key in ("protocol", "initialisation", "split")}
    return {**named, "unit": unit, **read_json(root / UNITS / unit / ANALYSIS)}


def evaluate_model(model: str, config: EvaluationConfig, root: Path, seed: int) -> Path:
    """`kobert eval MODEL`: any Hugging Face folder or Hub id. Returns the finished artifact, which holds `table.md`."""
    trusted = config.trust_remote_code
    folder = resolve_model(model, trusted)
    hashes = hash_data(config, root)
    identity = SPEC.identity(config.content(), {"model": folder_identity(folder, root, trusted), **hashes}, seed)
    finished = artifact_folder(root, identity)
    if is_complete(finished):
        logger.info("klue_eval: up to date")
        return finished
    with Workspace(root, identity) as out:
        with Meter() as meter:
            summary = build(
                config,
                folder,
                out,
                root=root,
                model_identity=identity.inputs["model"],
                seed=seed,
                libraries=identity.libraries,
                data_hashes=hashes,
            )
        return out.finish(summary, {"seconds": meter.seconds, "peak_mib": meter.peak_mib})


# --- one result: a protocol, a task, an initialisation ----------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A task under a protocol: the rows and settings that every initialisation shares."""

    name: str
    """Of the protocol."""
    protocol: Protocol
    task_name: str
    settings: TaskSettings
    data: TaskData
    seed: int

    @property
    def task(self) -> KlueTask:
        """By its name, because a comparison may go to another process, and a task holds functions that cannot."""
        return KNOWN[self.task_name]

    @property
    def train_rows(self) -> int:
        return len(self.data.train) if self.protocol.train_rows is None else self.protocol.train_rows


def _comparisons(config: EvaluationConfig, data: Mapping[str, TaskData], seed: int) -> list[Comparison]:
    """Raises InputError when a protocol asks for more rows than there are: before anything is trained."""
    comparisons = []
    for name, protocol in config.protocols.items():
        for task in config.tasks:
            settings = task_settings(task, config.settings.get(task, {}))
            comparison = Comparison(name, protocol, task, settings, data[task], seed)
            needed = comparison.train_rows + protocol.other_rows
            if needed > len(data[task].train):
                raise InputError(
                    f"klue_eval.protocols.{name}: needs {needed:,} training rows of {KNOWN[task].title} "
                    f"(train_rows, and selection_rows to choose on), but there are {len(data[task].train):,}"
                )
            comparisons.append(comparison)
    return comparisons


def _results(
    evaluation: Evaluation, comparisons: Sequence[Comparison], execution: ExecutionConfig
) -> list[dict[str, Any]]:
    """One entry a comparison and initialisation. On a CPU they run side by side, a core each; a GPU takes them in turn."""
    import torch

    jobs = [
        (comparison, initialisation)
        for comparison in comparisons
        for initialisation in comparison.protocol.initialisations
    ]
    results = []
    with progress("klue_eval", len(jobs), "comparisons") as advance:
        for result in map_shards(partial(_result, evaluation), jobs, ALONE if torch.cuda.is_available() else execution):
            logger.info("%s", summary_line(result))
            results.append(result)
            advance(1)
    return results


def _result(evaluation: Evaluation, job: tuple[Comparison, Initialisation]) -> dict[str, Any]:
    comparison, initialisation = job
    protocol, task = comparison.protocol, comparison.task
    settings = _choose(evaluation, comparison, initialisation)
    scored = {"split": comparison.data.split}
    scorings = protocol.evaluations_per_epoch
    folders = [
        finetuned(evaluation, _unit(comparison, settings, initialisation, seed, scorings, scored), comparison.data)
        for seed in range(comparison.seed, comparison.seed + protocol.seeds)
    ]
    runs = [read_json(folder / SCORES) for folder in folders]
    return {
        "protocol": comparison.name,
        "task": task.name,
        "initialisation": initialisation,
        "split": comparison.data.split,
        "train_rows": comparison.train_rows,
        "dev_rows": len(comparison.data.dev),
        "seeds": protocol.seeds,
        "learning_rate": settings.learning_rate,
        "epochs": settings.epochs,
        "truncated_rows": runs[0]["truncated"],
        "unread_rows": runs[0]["unread"],
        "diverged_seeds": sum(run["not_finite"] > 0 for run in runs),
        "units": [folder.name for folder in folders],
        **aggregate(task, runs),
    }


def _unit(
    comparison: Comparison,
    settings: TaskSettings,
    initialisation: Initialisation,
    seed: int,
    scorings: int,
    scored: Mapping[str, Any],
) -> Unit:
    protocol = comparison.protocol
    return Unit(
        task=comparison.task,
        settings=settings,
        initialisation=initialisation,
        seed=seed,
        train_rows=comparison.train_rows,
        evaluations_per_epoch=scorings,
        scored=scored,
        training=protocol.training,
        patience=protocol.patience,
        stopping_rows=protocol.selection_rows if protocol.patience else 0,
    )


def _choose(evaluation: Evaluation, comparison: Comparison, initialisation: Initialisation) -> TaskSettings:
    """The learning rate and number of epochs that do best at one seed on training rows that follow the drawn ones."""
    protocol, official, rows = comparison.protocol, comparison.settings, comparison.train_rows
    candidates = [
        official.model_copy(update={"learning_rate": rate, "epochs": epochs})
        for rate in protocol.learning_rates or (official.learning_rate,)
        for epochs in protocol.epochs or (official.epochs,)
    ]
    if len(candidates) == 1:
        return candidates[0]
    scored = {"split": "train", "of": comparison.data.split, "start": rows, "stop": rows + protocol.selection_rows}
    trials = []
    for settings in candidates:
        scorings = protocol.evaluations_per_epoch if protocol.patience else 0
        unit = _unit(comparison, settings, initialisation, comparison.seed, scorings, scored)
        trials.append(read_json(finetuned(evaluation, unit, comparison.data) / SCORES))
    return candidates[best_trial(comparison.task, trials)]


def _floors(evaluation: Evaluation, comparisons: Sequence[Comparison]) -> dict[str, dict[str, dict[str, float]]]:
    """Protocol -> task -> official metrics of the bag of character n-grams."""
    floors: dict[str, dict[str, dict[str, float]]] = {}
    for comparison in comparisons:
        if baseline.supports(comparison.task):
            scores = floor(evaluation, comparison.task, comparison.data, comparison.train_rows)
            floors.setdefault(comparison.name, {})[comparison.task.name] = scores
    return floors
