"""Scores of single runs -> figures per task -> the table. Pure: everything enters as plain values."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.inputs import HELD_OUT
from klue_eval.published import PUBLISHED, published_score
from klue_eval.task import KlueTask
from klue_eval.tasks import KNOWN

METRIC_TITLES: Mapping[str, str] = {
    "macro_f1": "macro F1",
    "pearson": "r",
    "f1": "F1",
    "accuracy": "accuracy",
    "entity_f1": "entity F1",
    "character_f1": "character F1",
    "micro_f1": "micro F1",
    "auprc": "AUPRC",
    "uas": "UAS",
    "las": "LAS",
    "exact_match": "EM",
    "rouge_w": "ROUGE-W",
    "joint_goal_accuracy": "JGA",
    "slot_f1": "slot F1",
    "spearman": "rho",
}


SPLITS: Mapping[str, str] = {HELD_OUT: " (held-out 20 %)", "test": " (test)"}
"""How the table marks what was not scored on dev."""
FROZEN: Mapping[str, str] = {"features": ", frozen: last four layers", "probe": ", frozen: linear probe"}
"""How the table marks what was not fine-tuned."""


def score(
    task: KlueTask,
    predictions: Sequence[Any],
    rows: Sequence[Mapping[str, Any]],
    official: Sequence[Any] | None = None,
) -> dict[str, dict[str, float]]:
    """`official` and `corrected` metrics, 0 to 100. `official` are the predictions of the task's official decoding."""
    return {
        "official": task.metrics.official(predictions if official is None else official, rows),
        "corrected": task.metrics.corrected(predictions, rows),
    }


def best_checkpoint(task: KlueTask, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The official choice: the highest primary metric on the scored split itself, the earliest of equals."""
    return max(curve, key=lambda checkpoint: checkpoint["metrics"][task.primary_metric])


def best_trial(task: KlueTask, trials: Sequence[Mapping[str, Any]]) -> int:
    """Index of the run whose last checkpoint has the highest primary metric, the first of equals."""
    scores = [trial["last"]["official"][task.primary_metric] for trial in trials]
    return scores.index(max(scores))


def aggregate(task: KlueTask, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The runs of all seeds -> official figures per metric, and corrected ones where the two are not the same by definition."""
    result = {
        "metrics": {
            name: _figures(
                [run["last"]["official"][name] for run in runs], [run["best"]["metrics"][name] for run in runs]
            )
            for name in task.metrics.names
        }
    }
    if task.metrics.corrected is not task.metrics.official:
        result["corrected"] = {
            name: _figures([run["last"]["corrected"][name] for run in runs]) for name in task.metrics.names
        }
    return result


def _figures(last: Sequence[float], best: Sequence[float] = ()) -> dict[str, Any]:
    """Mean and sample standard deviation (None for one seed) over seeds, which `per_seed` lists in order."""
    spread = round(statistics.stdev(last), 4) if len(last) > 1 else None
    figures: dict[str, Any] = {
        "last_mean": round(statistics.fmean(last), 4),
        "last_std": spread,
        "per_seed": [round(value, 4) for value in last],
    }
    if best:
        figures["best_mean"] = round(statistics.fmean(best), 4)
        figures["best_per_seed"] = [round(value, 4) for value in best]
    return figures


def summary_line(result: Mapping[str, Any]) -> str:
    """`klue_eval: official, YNAT, pretrained: macro F1 85.12 ± 0.21 (best checkpoint 85.40); 36,547 train rows, …`"""
    task = KNOWN[result["task"]]
    parts = []
    for name in task.metrics.names:
        figures = result["metrics"][name]
        parts.append(f"{METRIC_TITLES[name]} {_cell(figures)} (best checkpoint {figures['best_mean']:.2f})")
    rows = f"{result['train_rows']:,} train rows, {result['seeds']} seeds, {result['dev_rows']:,} dev rows"
    return f"klue_eval: {result['protocol']}, {task.title}, {result['initialisation']}: {', '.join(parts)}; {rows}"


# --- the table --------------------------------------------------------------------------------------------------------


def render_table(summary: Mapping[str, Any]) -> str:
    """Markdown: scores beside the published ones, then how each was reached."""
    columns = columns_of(summary)
    titles = column_titles(summary, columns)
    scores = [["model", "split", "train rows", "seeds", *titles], *_score_rows(summary, columns)]
    return "\n\n".join([*_notes(summary), _markdown(scores), _markdown(_run_rows(summary))]) + "\n"


def columns_of(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Task and metric of every figure, in the order of the published tables."""
    found = {result["task"] for result in summary["results"]}
    return [(name, metric) for name in KNOWN if name in found for metric in KNOWN[name].metrics.names]


def column_titles(summary: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> list[str]:
    splits = {entry["task"]: entry["split"] for entry in summary["results"]}
    return [f"{KNOWN[name].title} {METRIC_TITLES[metric]}{SPLITS.get(splits[name], '')}" for name, metric in columns]


def model_name(initialisation: str, protocol: Mapping[str, Any]) -> str:
    name = "this model" if initialisation == "pretrained" else "same architecture, not pretrained"
    return name + FROZEN.get(protocol.get("training", "finetune"), "")


def _notes(summary: Mapping[str, Any]) -> list[str]:
    notes = ["# KLUE"]
    if summary["sample"]:
        notes.append(
            "**These scores mean nothing.** They were taken on the bundled sample, which only shows that the evaluation runs."
        )
    notes.append(
        "Our scores are on **dev**: the hidden test set can no longer be submitted to. Published scores are test scores "
        "of the checkpoint that was best on dev, so they are **not directly comparable**. Ours are of the last "
        "checkpoint, mean ± standard deviation over seeds. Scores are official, bug for bug, unless they say `corrected`."
    )
    parted = sorted({KNOWN[entry["task"]].title for entry in summary["results"] if entry["split"] == HELD_OUT})
    if parted:
        notes.append(
            f"**{', '.join(parted)}: no KLUE dev score.** Trained on 80 % of the one labelled file at hand and scored on the "
            "other 20 %."
        )
    return notes + [_part_note(KNOWN[task].title, parts) for task, parts in summary.get("parts", {}).items()]


def _part_note(title: str, parts: Mapping[str, Sequence[int]]) -> str:
    rows = " and ".join(f"{have:,} of the {whole:,} {split} rows" for split, (have, whole) in parts.items())
    note = f"{title}: the data at hand has {rows}."
    return f"**{note}** Its score is not that of the whole dev set." if "dev" in parts else note


def _score_rows(summary: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> list[list[str]]:
    rows = []
    for protocol, settings in summary["protocols"].items():
        drawn = "all" if settings["train_rows"] is None else f"{settings['train_rows']:,}"
        for initialisation in settings["initialisations"]:
            name = model_name(initialisation, settings).replace("this model", "**this model**")
            found = {entry["task"]: entry for entry in _results(summary, protocol, initialisation)}
            cells = [_cell(found[task]["metrics"][metric]) for task, metric in columns]
            rows.append([f"{name} ({protocol})", "dev", drawn, str(settings["seeds"]), *cells])
            if any("corrected" in entry for entry in found.values()):
                cells = [_corrected(found[task], metric) for task, metric in columns]
                rows.append([f"{name}, corrected ({protocol})", "dev", drawn, str(settings["seeds"]), *cells])
        floor = summary["tfidf"].get(protocol)
        if floor:
            cells = [_number(floor.get(task, {}).get(metric)) for task, metric in columns]
            rows.append([f"character TF-IDF ({protocol})", "dev", drawn, "–", *cells])
    for model in PUBLISHED:
        cells = [_number(published_score(model, task, metric)) for task, metric in columns]
        rows.append([f"{model} (published)", "test", "all", "–", *cells])
    return rows


def _results(summary: Mapping[str, Any], protocol: str, initialisation: str) -> list[Mapping[str, Any]]:
    wanted = (protocol, initialisation)
    return [entry for entry in summary["results"] if (entry["protocol"], entry["initialisation"]) == wanted]


def _run_rows(summary: Mapping[str, Any]) -> list[list[str]]:
    header = [
        "protocol",
        "task",
        "initialisation",
        "split",
        "train rows",
        "scored rows",
        "seeds",
        "learning rate",
        "epochs",
    ]
    rows = [[*header, "picked by", "last checkpoint", "best checkpoint", "corrected"]]
    for entry in summary["results"]:
        primary = KNOWN[entry["task"]].primary_metric
        figures = entry["metrics"][primary]
        corrected = _cell(entry["corrected"][primary]) if "corrected" in entry else "same"
        counts = [f"{entry[name]:,}" for name in ("train_rows", "dev_rows", "seeds")]
        settings = [f"{entry['learning_rate']:g}", str(entry["epochs"])]
        split = "held-out 20 %" if entry["split"] == HELD_OUT else entry["split"]
        names = [entry["protocol"], KNOWN[entry["task"]].title, entry["initialisation"], split]
        scores = [METRIC_TITLES[primary], _cell(figures), f"{figures['best_mean']:.2f}", corrected]
        rows.append([*names, *counts, *settings, *scores])
    return rows


def _cell(figures: Mapping[str, Any]) -> str:
    spread = "" if figures["last_std"] is None else f" ± {figures['last_std']:.2f}"
    return f"{figures['last_mean']:.2f}{spread}"


def _corrected(entry: Mapping[str, Any], metric: str) -> str:
    """The corrected figure; the official one where the two are the same by definition."""
    return _cell(entry.get("corrected", entry["metrics"])[metric])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
