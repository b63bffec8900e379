"""The results of an evaluation: one for each protocol, task and initialisation."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from klue_eval import baseline
from klue_eval.config import TEXT_TO_TEXT, EvaluationConfig, Initialisation, Protocol, changed
from klue_eval.figures import aggregate, best_trial, last_figures, summary_line
from klue_eval.mixing import problem_of
from klue_eval.mixtures import finetuned_together, mixture_of
from klue_eval.perturbation import require_perturbable
from klue_eval.runs import Evaluation, Run, baseline_scores, finetuned, rows_of_run, scores_of_run
from klue_eval.significance import with_intervals
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.task_data import TaskData, read_all, task_of
from klue_eval.text_to_text import in_words
from kobert_pipeline.ground.contents.scores import PRETRAINED
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.parallel import ALONE, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress

logger = logging.getLogger(__name__)

MOST_UNKNOWN = 0.01
"""Share of [UNK] in the scored rows above which a warning is logged."""


@dataclass(frozen=True)
class Comparison:
    """A task under a protocol: the rows and settings that every initialisation shares."""

    name: str
    """The name of the protocol."""
    protocol: Protocol
    task_name: str
    settings: TaskSettings
    data: TaskData
    seed: int
    perturb: bool = False
    """Whether rows with typing errors are scored, too."""
    is_exported: bool = False
    """Whether the recipe asks for the fine-tuned model."""

    @property
    def task(self) -> KlueTask:
        """Looked up by its name: a comparison may go to another process, and the functions of a task cannot."""
        task = task_of(self.task_name, self.data)
        return in_words(task) if self.protocol.training == TEXT_TO_TEXT else task

    @property
    def exports(self) -> bool:
        """Whether the model of the first seed is kept, unless its encoder is frozen or shared: that of a user's own task always."""
        asked = self.is_exported or self.data.own is not None
        return asked and self.protocol.training == "finetune" and not self.protocol.multitask

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + self.protocol.seeds)

    @property
    def train_rows(self) -> int:
        return len(self.data.train) if self.protocol.train_rows is None else self.protocol.train_rows

    def run(
        self,
        settings: TaskSettings,
        initialisation: Initialisation,
        seed: int,
        scorings: int,
        scored: Mapping[str, Any],
        taught_by: Path | None = None,
    ) -> Run:
        """One run with these settings. `scorings`: how often an epoch is scored. `scored`: the rows. `taught_by`: the run of the
        teacher, if the protocol has one."""
        protocol = self.protocol
        return Run(
            task=self.task,
            settings=settings,
            initialisation=initialisation,
            seed=seed,
            train_rows=self.train_rows,
            evaluations_per_epoch=scorings,
            scored=scored,
            training=protocol.training,
            patience=protocol.patience,
            stopping_rows=protocol.selection_rows if protocol.patience else 0,
            perturb=self.perturb and scored["split"] != "train",
            exports=self.exports
            and initialisation == PRETRAINED
            and seed == self.seed
            and scored["split"] == self.data.split,
            distil=protocol.distil,
            taught_by=taught_by,
        )


def comparisons_of(config: EvaluationConfig, data: Mapping[str, TaskData], seed: int) -> list[Comparison]:
    """Raises InputError, before anything is trained, if a protocol asks for more rows than there are, or
    if a task cannot be perturbed."""
    if config.perturb:
        require_perturbable(task_of(task, rows) for task, rows in data.items())
    comparisons = []
    for name, protocol in config.protocols.items():
        for task, rows in _scored_under(protocol, data).items():
            settings = changed(task_of(task, rows).defaults, task, config.settings.get(task, {}))
            comparison = Comparison(
                name, protocol, task, settings, rows, seed, config.perturb is not None, task in config.export
            )
            needed = comparison.train_rows + protocol.other_rows
            if needed > len(rows.train):
                raise InputError(
                    "klue_eval.protocols.{name}: needs {needed:,} training rows of {task} (train_rows, and selection_rows to choose on), but there are {rows:,}",
                    name=name,
                    needed=needed,
                    task=comparison.task.title,
                    rows=len(rows.train),
                )
            comparisons.append(comparison)
        _require_mixture([comparison for comparison in comparisons if comparison.name == name])
    return comparisons


def _scored_under(protocol: Protocol, data: Mapping[str, TaskData]) -> dict[str, TaskData]:
    return {task: rows for task, rows in data.items() if not protocol.multitask or task in protocol.multitask}


def _require_mixture(group: Sequence[Comparison]) -> None:
    """Raises InputError for tasks that cannot be mixed as their protocol says."""
    protocol = group[0].protocol
    if not protocol.multitask:
        return
    problem = problem_of({each.task_name: each.task.head for each in group}, protocol.weights)
    decays = {each.task_name: each.settings.weight_decay for each in group}
    if not problem and len(set(decays.values())) > 1:
        named = ", ".join(f"{name}: {decay:g}" for name, decay in decays.items())
        problem = say(
            "one optimizer has one `weight_decay`, but the tasks have {named}; set it in `klue_eval.settings`",
            named=named,
        )
    if problem:
        raise InputError("klue_eval.protocols.{protocol}: {problem}", protocol=group[0].name, problem=problem)


def check_data(config: EvaluationConfig, seed: int) -> None:
    """Reads all rows. Raises InputError for a row that is wrong or missing, and for a protocol that asks for more rows than there
    are: what would be found after the training otherwise."""
    comparisons_of(config, read_all(config), seed)


def results_of(
    evaluation: Evaluation, comparisons: Sequence[Comparison], execution: ExecutionConfig
) -> list[dict[str, Any]]:
    """Returns one entry for each comparison and initialisation. CPU cores work in parallel, on the longest ones first, so that none
    of them is left with one at the end."""
    import torch

    if torch.cuda.is_available():
        execution = ALONE
    jobs = [
        (group, initialisation)
        for group in trained_together(comparisons)
        for initialisation in group[0].protocol.initialisations
    ]
    order = list(range(len(jobs)))
    if execution.workers != 1:
        order.sort(key=lambda place: _work(jobs[place][0]), reverse=True)
    found: dict[int, list[dict[str, Any]]] = {}
    with progress("klue_eval", len(jobs), "comparisons") as advance:
        done = map_shards(partial(_results, evaluation), [jobs[place] for place in order], execution)
        for place, results in zip(order, done, strict=True):
            for result in results:
                logger.info("%s", summary_line(result))
                _warn_of_unknown(result)
            found[place] = results
            advance(1)
    return [result for place in range(len(jobs)) for result in found[place]]


def _work(group: Sequence[Comparison]) -> float:
    """Roughly how long a job takes, beside others: the characters of its rows, labels included, that its training reads."""
    return sum(
        sum(len(str(row)) for row in each.data.train) / max(1, len(each.data.train))
        * each.train_rows * each.settings.epochs * len(each.seeds)
        for each in group
    )  # fmt: skip


def trained_together(comparisons: Sequence[Comparison]) -> list[tuple[Comparison, ...]]:
    """The tasks of a multitask protocol form one group, in the order of the comparisons. Any other comparison is its own."""
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for each in comparisons:
        groups.setdefault((each.name, "" if each.protocol.multitask else each.task_name), []).append(each)
    return [tuple(group) for group in groups.values()]


def _warn_of_unknown(result: Mapping[str, Any]) -> None:
    share = result["unknown_share"]["scored"]
    if share > MOST_UNKNOWN:
        logger.warning(
            "klue_eval: %s: %.1f %% of the tokens of the scored rows are [UNK]: the tokenizer does not fit the texts, or is "
            "read in another way than it was made (do_lower_case and strip_accents in tokenizer_config.json)",
            result["title"],
            100 * share,
        )


def _results(evaluation: Evaluation, job: tuple[tuple[Comparison, ...], Initialisation]) -> list[dict[str, Any]]:
    group, initialisation = job
    evaluation, taught_by = _taught(evaluation, group[0])
    settings = [_choose(evaluation, comparison, initialisation, taught_by) for comparison in group]
    seeds = [_run_seed(evaluation, group, initialisation, settings, seed, taught_by) for seed in group[0].seeds]
    return [
        _result(comparison, initialisation, chosen, folders)
        for comparison, chosen, folders in zip(group, settings, zip(*seeds, strict=True), strict=True)
    ]


def _result(
    comparison: Comparison, initialisation: Initialisation, settings: TaskSettings, folders: Sequence[Path]
) -> dict[str, Any]:
    runs = [scores_of_run(folder) for folder in folders]
    figures = aggregate(comparison.task, runs)
    figures["metrics"] = with_intervals(figures["metrics"], [rows_of_run(folder) for folder in folders])
    return {
        "protocol": comparison.name,
        "task": comparison.task.name,
        "title": comparison.task.title,
        "initialisation": initialisation,
        "split": comparison.data.split,
        "train_rows": comparison.train_rows,
        "dev_rows": len(comparison.data.dev),
        "seeds": comparison.protocol.seeds,
        "learning_rate": settings.learning_rate,
        "epochs": settings.epochs,
        "truncated_rows": runs[0]["truncated"],
        "unread_rows": runs[0]["unread"],
        "unknown_share": runs[0]["unknown_share"],
        "diverged_seeds": sum(run["not_finite"] > 0 for run in runs),
        "runs": [folder.name for folder in folders],
        "rows_id": runs[0]["rows_id"],
        **_calibration(runs),
        **_perturbed(comparison, runs, folders),
        **({"mixture": mixture_of(folders[0])} if comparison.protocol.multitask else {}),
        **figures,
    }


def _calibration(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over seeds; nothing for a task that is no classification."""
    found = [run["calibration"] for run in runs if "calibration" in run]
    names = found[0] if found else ()
    means = {name: round(statistics.fmean(entry[name] for entry in found), 4) for name in names}
    return {"calibration": means} if means else {}


def _perturbed(comparison: Comparison, runs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> dict[str, Any]:
    """`perturbed`: error -> `metrics`, rows that it left as they were, and [UNK] among the tokens."""
    found = {
        name: {
            "metrics": with_intervals(
                last_figures(comparison.task, [run["perturbed"][name] for run in runs]),
                [rows_of_run(folder, name) for folder in folders],
            ),
            "unchanged": first["unchanged"],
            "unknown_share": first["unknown_share"],
        }
        for name, first in runs[0].get("perturbed", {}).items()
    }
    return {"perturbed": found} if found else {}


def _taught(evaluation: Evaluation, comparison: Comparison) -> tuple[Evaluation, Path | None]:
    """The evaluation with the protocol's teacher, and the finished run in which that was fine-tuned: on the same rows, at the first
    seed, with a learning rate and a number of epochs of the protocol that are chosen for the teacher itself."""
    if comparison.protocol.distil is None:
        return evaluation, None
    teacher = evaluation.of_teacher(comparison.name)
    alone = replace(comparison, protocol=comparison.protocol.model_copy(update={"distil": None}))
    run = Run(
        task=comparison.task,
        settings=_choose(teacher, alone, "pretrained", None),
        initialisation=PRETRAINED,
        seed=comparison.seed,
        train_rows=comparison.train_rows,
        evaluations_per_epoch=0,
        scored={"split": comparison.data.split},
        keeps_weights=True,
    )
    return replace(evaluation, teacher=teacher.model), finetuned(teacher, run, comparison.data)


def _run_seed(
    evaluation: Evaluation,
    group: Sequence[Comparison],
    initialisation: Initialisation,
    settings: Sequence[TaskSettings],
    seed: int,
    taught_by: Path | None,
) -> list[Path]:
    """The finished run of each comparison of a group."""
    runs = [
        each.run(
            chosen, initialisation, seed, each.protocol.evaluations_per_epoch, {"split": each.data.split}, taught_by
        )
        for each, chosen in zip(group, settings, strict=True)
    ]
    mixture = group[0].protocol.mixture
    if mixture is None:
        return [finetuned(evaluation, run, each.data) for run, each in zip(runs, group, strict=True)]
    keeps = initialisation == PRETRAINED and seed == group[0].seed
    return finetuned_together(evaluation, mixture, runs, [each.data for each in group], keeps=keeps)


def _choose(
    evaluation: Evaluation, comparison: Comparison, initialisation: Initialisation, taught_by: Path | None
) -> TaskSettings:
    """The learning rate and number of epochs that do best at one seed, on training rows after those trained on."""
    protocol, official, rows = comparison.protocol, comparison.settings, comparison.train_rows
    candidates = [
        official.model_copy(update={"learning_rate": rate, "epochs": epochs})
        for rate in protocol.learning_rates or (official.learning_rate,)
        for epochs in protocol.epochs or (official.epochs,)
    ]
    if len(candidates) == 1:
        return candidates[0]
    scored = {"split": "train", "of": comparison.data.split, "start": rows, "stop": rows + protocol.selection_rows}
    scorings = protocol.evaluations_per_epoch if protocol.patience else 0
    trials = []
    for settings in candidates:
        run = comparison.run(settings, initialisation, comparison.seed, scorings, scored, taught_by)
        trials.append(scores_of_run(finetuned(evaluation, run, comparison.data)))
    return candidates[best_trial(comparison.task, trials)]


def baselines_of(evaluation: Evaluation, comparisons: Sequence[Comparison]) -> dict[str, dict[str, dict[str, float]]]:
    """Protocol -> task -> official metrics of the baseline, for the tasks that it supports."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for comparison in comparisons:
        if baseline.supports(comparison.task):
            found = baseline_scores(evaluation, comparison.task, comparison.data, comparison.train_rows)
            scores.setdefault(comparison.name, {})[comparison.task.name] = found
    return scores
