"""The page of an evaluation of the user's own tasks: scores, mistakes, and the fine-tuned models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.contents.score_details import cost_detail, details
from kobert_pipeline.ground.contents.score_table import SETTINGS_TITLES, score_table, settings_rows
from kobert_pipeline.ground.contents.scores import PRETRAINED, Scores
from kobert_pipeline.ground.files import read_json, write_text
from kobert_pipeline.report import mistakes, score_tracks
from kobert_pipeline.report.templates import template

TEMPLATE = "own_tasks.html.jinja"
WORST = 10
"""Wrong answers shown for each task."""
RUNS, MODEL = "klue_runs", "model"
PIPELINES: Mapping[str, str] = {
    "classification": '"text-classification", model={!r}',
    "regression": '"text-classification", model={!r}',
    "tagging": '"token-classification", model={!r}, aggregation_strategy="first"',
}
"""Kind of a task -> how transformers' pipeline is called."""
KINDS: Mapping[str, str] = {"token_labels": "tagging", "span": "questions"}
"""Head of a task that others made -> its kind, where that has another name."""


@dataclass(frozen=True)
class FineTuned:
    """A model that the evaluation kept."""

    task: str
    kind: str
    protocol: str
    folder: Path

    @property
    def shown(self) -> str:
        """Where it is in the artifacts folder."""
        return f"{RUNS}/{self.folder.parent.name}/{MODEL}"

    @property
    def example(self) -> str:
        return '"서울에서 만났다."' if self.kind == "tagging" else '"문장 하나", truncation=True'

    def loads(self, place: str) -> str:
        """The line of Python that loads it from `place`."""
        if self.kind not in PIPELINES:  # transformers 5 has no pipeline for questions about a text
            return f"AutoModelForQuestionAnswering.from_pretrained({place!r})"
        return f"pipeline({PIPELINES[self.kind].format(place)})"


def fine_tuned(folder: Path, root: Path) -> list[FineTuned]:
    """The models that the evaluation in `folder` kept: of own tasks, by the first seed of each protocol that fine-tunes."""
    summary = Scores(folder).summary
    found = [
        FineTuned(
            result.task, summary.own_tasks[result.task].kind, result.protocol, root / RUNS / result.runs[0] / MODEL
        )
        for result in summary.on_own_tasks().results
    ]
    return [kept for kept in found if kept.folder.is_dir()]


def exported(folder: Path, root: Path) -> list[FineTuned]:
    """The models of other tasks that the evaluation in `folder` kept, because it was asked to."""
    from klue_eval.tasks import KNOWN

    found = [
        FineTuned(
            result.task, KINDS.get(KNOWN[result.task].head, KNOWN[result.task].head), result.protocol,
            root / RUNS / result.runs[0] / MODEL,
        )
        for result in Scores(folder).summary.results
        if result.task in KNOWN and result.initialisation == PRETRAINED
    ]  # fmt: skip
    return [kept for kept in found if kept.folder.is_dir()]


def write_evaluation(path: Path, model: str, folder: Path, root: Path) -> None:
    """Writes the page. `model`: what was scored, a folder or Hub id; `folder`: the finished evaluation in the artifacts folder `root`."""
    write_text(path, render(_shown(model), Scores(folder), fine_tuned(folder, root)))


def _shown(model: str) -> str:
    """The last part of a path, of which the rest means nothing to others; a Hub id as it is."""
    return Path(model).resolve().name if Path(model).is_dir() else re.sub(r"\s+", " ", model)


def render(model: str, evaluation: Scores, models: list[FineTuned]) -> str:
    own = evaluation.summary.on_own_tasks()
    table = score_table(own, model=model)
    analysis = evaluation.file("analysis.json")
    found = mistakes.analyses(read_json(analysis), worst=WORST) if analysis else []
    values = {
        "ids": "",
        "tasks": list(own.own_tasks),
        "model": model,
        "notes": [(name, note, own.unlabelled_rows[name]) for name, note in own.own_tasks.items()],
        "leading": score_tracks.leading(table),
        "panels": score_tracks.panels(table),
        "table": table,
        "settings_titles": SETTINGS_TITLES,
        "settings_rows": settings_rows(own),
        "score_details": details(own) + cost_detail(own, evaluation.costs),
        "analyses": found,
        "models": models,
        "inputs": evaluation.inputs,
        "libraries": evaluation.libraries,
        "seed": evaluation.seed,
    }
    return str(template(TEMPLATE).render(values))
