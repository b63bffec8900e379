"""The evaluation stage: fine-tunes, scores, and writes the table."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from klue_eval.comparisons import baselines_of, comparisons_of, results_of
from klue_eval.config import SPEC, TEXT_TO_TEXT, EvaluationConfig
from klue_eval.data import SAMPLE
from klue_eval.figures import METRIC_TITLES
from klue_eval.model_folders import folder_identity, resolve_model, untrained_identity
from klue_eval.plot import draw_scores
from klue_eval.published import PUBLISHED
from klue_eval.rescore import rescore
from klue_eval.row_scores import ROWS, RowScores, save_rows
from klue_eval.run_costs import costs_of
from klue_eval.runs import (
    ANALYSIS,
    RUNS,
    SCORES,
    Evaluation,
    rows_of_run,
    teacher_input,
)
from klue_eval.significance import run_name
from klue_eval.table import render_table
from klue_eval.task_data import HELD_OUT, OWN, TaskData, all_parts, data_files, data_name, hash_data, read_all, task_of
from klue_eval.tasks import KNOWN
from kobert_pipeline.ground.artifacts import Workspace, artifact_folder, is_complete, verified
from kobert_pipeline.ground.contents.score_table import score_table
from kobert_pipeline.ground.contents.scores import COSTS, parse_scores
from kobert_pipeline.ground.files import FileHashes, read_object, write_json, write_text
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ALONE, ExecutionConfig
from kobert_pipeline.training.precision import warn_if_emulated

__all__ = [
    "build",
    "data_files",
    "evaluate_model",
    "folder_identity",
    "hash_data",
    "hash_inputs",
    "rescore",
]

logger = logging.getLogger(__name__)

TABLE = "table.md"
PLOT = "scores.svg"
"""Kept under `run/`, which is not hashed: another version of matplotlib draws other bytes for equal scores."""
SPLITS: Mapping[str, str] = {HELD_OUT: " (held-out 20 %)", "test": " (test)", OWN: " (own task)"}
"""How the title of a column says that its rows are not dev."""


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
    """Scores the model in the folder `model` and fills `out` with `scores.json`, `analysis.json`, `rows.npz`,
    `table.md` and the plot of the table. Returns the summary.

    `data_hashes` is the result of `hash_inputs`, and `model_identity` identifies the pretraining.
    Raises InputError if the model is not an encoder with a tokenizer, or if the data cannot be read.
    """
    trusted = config.trust_remote_code
    folder = resolve_model(model, trusted)
    _check_encoder(folder, config)
    warn_if_emulated(config.precision, "klue_eval.precision")
    hashes = data_hashes or hash_inputs(config, root)
    teachers = _teachers(config, folder, root, hashes)
    evaluation = Evaluation(
        model=folder,
        root=root,
        model_identities={"pretrained": model_identity, "random": untrained_identity(folder, trusted)},
        data_hashes=hashes,
        libraries=libraries,
        precision=config.precision,
        trust_remote_code=trusted,
        teachers=teachers,
    )
    summary = _evaluate(config, evaluation, seed, execution)
    _write(summary, root, out)
    return summary


def hash_inputs(config: EvaluationConfig, root: Path) -> dict[str, str]:
    """What an evaluation reads besides the model: the result of `hash_data`, and what identifies each protocol's teacher."""
    if all(protocol.distil is None for protocol in config.protocols.values()):
        return hash_data(config, root)
    from klue_eval.teachers import teacher_inputs

    found = teacher_inputs(config, FileHashes(root))
    return hash_data(config, root) | {teacher_input(name): value for name, value in found.items()}


def _teachers(config: EvaluationConfig, folder: Path, root: Path, hashes: Mapping[str, str]) -> dict[str, Path]:
    """Protocol -> the folder of its teacher. Raises InputError for one that the model in `folder` cannot imitate."""
    known = {name: hashes[teacher_input(name)] for name in config.protocols if teacher_input(name) in hashes}
    if not known:
        return {}
    from klue_eval.teachers import require_teachers, teacher_folders

    teachers = teacher_folders(config, root, known)
    require_teachers(config, folder, teachers, root)
    return teachers


def _check_encoder(folder: Path, config: EvaluationConfig) -> None:
    """Runs before any data is read. Raises InputError if the folder is not a model with a tokenizer that the tasks fit and, where
    pretrained weights are scored, all weights."""
    from klue_eval.encoders import load_tokenizer, require_pretrained, require_tasks, require_writer

    if TEXT_TO_TEXT in config.trainings:
        require_writer(folder, config.trust_remote_code)
    if config.trainings != {TEXT_TO_TEXT}:
        require_tasks(folder, config.tasks, config.trust_remote_code)
    load_tokenizer(folder, trust_remote_code=config.trust_remote_code)
    if any("pretrained" in protocol.initialisations for protocol in config.protocols.values()):
        require_pretrained(folder, config.trust_remote_code)


def _evaluate(
    config: EvaluationConfig, evaluation: Evaluation, seed: int, execution: ExecutionConfig
) -> dict[str, Any]:
    """Runs everything and returns the summary, which `parse_scores` reads."""
    data = read_all(config, evaluation.data_hashes)
    comparisons = comparisons_of(config, data, seed)
    name = data_name(config, evaluation.data_hashes, evaluation.root)
    own = {task: dict(rows.notes) for task, rows in data.items() if rows.own is not None}
    return ({"own_tasks": own} if own else {}) | {
        "data": name,
        "sample": name == SAMPLE,
        "columns": _columns(data),
        "parts": {} if name == SAMPLE else all_parts(data),
        "protocols": {key: protocol.content() for key, protocol in config.protocols.items()},
        "unlabelled_rows": {task: rows.unlabelled for task, rows in data.items()},
        "results": results_of(evaluation, comparisons, execution),
        "baseline": baselines_of(evaluation, comparisons) if config.tfidf else {},
    }


def _columns(data: Mapping[str, TaskData]) -> list[dict[str, str]]:
    """Task, metric and title of every score, in the order of the published tables."""
    return [
        {
            "task": name,
            "metric": metric,
            "title": f"{task_of(name, data[name]).title} {METRIC_TITLES[metric]}{SPLITS.get(data[name].split, '')}",
        }
        for name in sorted(data, key=lambda name: list(KNOWN).index(name) if name in KNOWN else len(KNOWN))
        for metric in task_of(name, data[name]).metrics.names
    ]


def _write(summary: Mapping[str, Any], root: Path, out: Workspace) -> None:
    scores = parse_scores(summary)
    write_json(out.path / SCORES, summary)
    write_json(out.path / ANALYSIS, {"results": [_analysis(entry, root) for entry in summary["results"]]})
    write_json(out.run_folder / COSTS, {"results": costs_of(summary["results"], root / RUNS)})
    save_rows(out.path / ROWS, _all_rows(summary, root))
    write_text(out.path / TABLE, render_table(scores))
    write_text(out.run_folder / PLOT, draw_scores(score_table(scores, PUBLISHED), sample=scores.sample))


def _all_rows(summary: Mapping[str, Any], root: Path) -> dict[str, RowScores]:
    """The rows of every run, so that evaluations can be compared where the runs are gone."""
    return {
        run_name(number, seed): rows_of_run(root / RUNS / run)
        for number, result in enumerate(summary["results"])
        for seed, run in enumerate(result["runs"])
    }


def _analysis(result: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The analysis of the first seed, with the name of its run."""
    run = result["runs"][0]
    named = {key: result[key] for key in ("protocol", "title", "initialisation", "split")}
    return {**named, "run": run, **read_object(verified(root / RUNS / run, ANALYSIS))}


def evaluate_model(
    model: str, config: EvaluationConfig, root: Path, seed: int, execution: ExecutionConfig = ALONE
) -> Path:
    """`kobert eval MODEL`: scores any Hugging Face folder or Hub id. Returns the finished artifact, with `table.md`."""
    trusted = config.trust_remote_code
    folder = resolve_model(model, trusted)
    hashes = hash_inputs(config, root)
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
                execution=execution,
            )
        return out.finish(summary, {"seconds": meter.seconds, "peak_mib": meter.peak_mib})
