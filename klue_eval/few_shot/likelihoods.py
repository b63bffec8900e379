"""`kobert eval MODEL --shots`: the scores of a decoder on KLUE, by the likelihood of label words, with few examples or none."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

from klue_eval.few_shot.harness import Chosen, TooLong, choose, language_model
from klue_eval.few_shot.prompt_rows import PROMPTED
from klue_eval.figures import METRIC_TITLES
from klue_eval.task_data import read_task
from klue_eval.tasks import KNOWN
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses.generate import USE, longest_text

logger = logging.getLogger(__name__)

BATCH = 16


@dataclass(frozen=True)
class FewShotScore:
    """One task with one number of examples."""

    task: str
    metric: str
    shots: int
    scores: tuple[float, ...]
    """One for each seed, 0 to 100."""
    rows: int
    frequent: float
    """The score of always answering the word that is most frequent among the training rows."""

    @property
    def text(self) -> str:
        spread = f" ± {stdev(self.scores):.1f}" if len(self.scores) > 1 else ""
        return f"{mean(self.scores):.1f}{spread}"


def score_by_likelihood(
    model: str, tasks: Sequence[str], shots: Sequence[int], *, data: str, rows: int | None = None, seeds: int = 1
) -> list[FewShotScore]:
    """Scores each task with each number of examples. `rows`: how many rows are scored; None is all.

    A prompt that does not fit is left out and logged. Raises InputError if none fits, and for a task without a prompt.
    """
    for task in tasks:
        if task not in PROMPTED:
            raise InputError("task {task}: no prompt for it; {meant}", task=task, meant=nearest(task, list(PROMPTED)))
    tokenizer, network = USE.load(model)
    harness = language_model(network, tokenizer, longest_text(tokenizer, network), BATCH)
    found = list(_all(harness, tasks, shots, data, rows, seeds))
    if not found:
        raise InputError(
            "{model}: no prompt fits. Ask for fewer examples with --shots, or train with longer rows.", model=model
        )
    return found


def _all(
    harness: Any, tasks: Sequence[str], shots: Sequence[int], data: str, rows: int | None, seeds: int
) -> Iterator[FewShotScore]:
    for task in tasks:
        for number in shots:
            tries = seeds if number else 1
            try:
                chosen = [choose(harness, task, number, data=data, limit=rows, seed=seed) for seed in range(tries)]
            except TooLong as error:
                logger.warning("%s with %d examples is left out: %s", task, number, error)
                continue
            yield score(task, number, chosen, data)


def score(task: str, shots: int, tries: Sequence[Sequence[Chosen]], data: str) -> FewShotScore:
    """What the task's own metric makes of the likeliest words."""
    prompted, metrics, read = PROMPTED[task], KNOWN[task].metrics, read_task(task, data)
    by_guid = {row["guid"]: row for row in read.dev}
    counts = [sum(prompted.choice(row) == number for row in read.train) for number in range(len(prompted.meanings))]
    scored = [by_guid[one.guid] for one in tries[0]]

    def value(words: Sequence[int]) -> float:
        return metrics.official([prompted.meanings[word] for word in words], scored)[prompted.metric]

    scores = tuple(round(value([one.best for one in chosen]), 4) for chosen in tries)
    frequent = round(value([counts.index(max(counts))] * len(scored)), 4)
    return FewShotScore(task, prompted.metric, shots, scores, len(scored), frequent)


def as_records(scores: Sequence[FewShotScore]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(score) for score in scores]


def few_shot_table(scores: Sequence[FewShotScore]) -> str:
    """A row for each task and a column for each number of examples, in Markdown."""
    shots = sorted({score.shots for score in scores})
    cells = {(score.task, score.shots): score.text for score in scores}
    tasks = {score.task: score for score in scores}
    lines = [
        f"| task | rows | most frequent word |{''.join(f' {number} examples |' for number in shots)}",
        f"|---|---:|---:|{'---:|' * len(shots)}",
    ]
    for name, first in tasks.items():
        title = f"{KNOWN[name].title} {METRIC_TITLES[first.metric]}"
        scored = "".join(f" {cells.get((name, number), '–')} |" for number in shots)
        lines.append(f"| {title} | {first.rows:,} | {first.frequent:.1f} |{scored}")
    return "\n".join(lines) + "\n"
