"""What the score table has no room for. Each function lays out one table; Markdown and the page format it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kobert_pipeline.ground.contents.scores import PRETRAINED, Result, ResultCost, ScoreSummary
from kobert_pipeline.ground.typing_errors import SPACING

MOST_UNKNOWN = 0.01
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Detail:
    """A table of its own, with what a reader has to know about it."""

    heading: str
    words: str
    titles: tuple[str, ...]
    rows: Rows


INTERVAL_TITLES = ("protocol", "score", "initialisation", "mean", "95 % interval", "scored rows", "seeds")
INTERVALS_ARE = (
    "95 % intervals of the last checkpoint, by a bootstrap over the scored rows and, from three seeds on, over seeds. With fewer, "
    "other seeds may score outside."
)


def details(scores: ScoreSummary) -> list[Detail]:
    """The tables that have a row."""
    found = [
        Detail("Intervals", INTERVALS_ARE, INTERVAL_TITLES, interval_rows(scores)),
        Detail("Calibration", CALIBRATION_IS, CALIBRATION_TITLES, calibration_rows(scores)),
        Detail("Mistyped texts", MISTYPED_ARE, MISTYPED_TITLES, mistyped_rows(scores)),
    ]
    return [detail for detail in found if detail.rows]


def interval_rows(scores: ScoreSummary) -> Rows:
    """A row for each official score with an interval, under INTERVAL_TITLES."""
    return list(_interval_rows(scores))


def _interval_rows(scores: ScoreSummary) -> Iterator[tuple[str, ...]]:
    for result, metric in _each(scores):
        figures = result.metrics[metric]
        if figures.interval is not None:
            yield (
                result.protocol,
                _title(scores, result, metric),
                result.initialisation,
                f"{figures.last_mean:.2f}",
                "{:.2f} to {:.2f}".format(*figures.interval),
                f"{result.dev_rows:,}",
                str(result.seeds),
            )


CALIBRATION_TITLES = ("protocol", "task", "initialisation", "ECE", "confidence", "accuracy", "seeds")
CALIBRATION_IS = (
    "Does the model know when it is right? The expected calibration error is the mean distance of confidence and accuracy over 15 bins "
    "of confidence (Guo et al. 2017), in points. A confidence above the accuracy is too high."
)


def calibration_rows(scores: ScoreSummary) -> Rows:
    """A row for each result of a classification, under CALIBRATION_TITLES."""
    return [
        (
            result.protocol,
            result.title,
            result.initialisation,
            *(f"{result.calibration[name]:.2f}" for name in ("ece", "confidence", "accuracy")),
            str(result.seeds),
        )
        for result in scores.results
        if result.calibration
    ]


COST_TITLES = (
    "protocol",
    "task",
    "initialisation",
    "rows a second, training",
    "rows a second, scoring",
    "seconds",
    "peak MiB",
)
COST_IS = (
    "What a run of one seed took on the machine that made it, mean over seeds; the peak is the highest, of the process with its "
    "libraries. Other work on the machine counts."
)


def cost_detail(scores: ScoreSummary, costs: Sequence[ResultCost]) -> list[Detail]:
    """One table of the results that are shown, or none without costs."""
    shown = {(result.protocol, result.title) for result in scores.results}
    rows = [
        (
            cost.protocol,
            cost.title,
            cost.initialisation,
            *(f"{value:,.0f}" for value in (cost.train_rows_per_second, cost.scored_rows_per_second)),
            f"{cost.seconds:,.1f}",
            f"{cost.peak_mib:,.0f}",
        )
        for cost in costs
        if (cost.protocol, cost.title) in shown
    ]
    return [Detail("Cost", COST_IS, COST_TITLES, rows)] if rows else []


MISTYPED_TITLES = ("protocol", "score", "clean", *(name.replace("_", " ") for name in SPACING))
MISTYPED_ARE = (
    "The same models, trained on clean rows, on the scored rows with typing errors: without spaces, with spaces in wrong places, and "
    "with a neighbouring key in a tenth of the syllables. In brackets: points lost, and [UNK] among the tokens where it is above 1 %."
)


def mistyped_rows(scores: ScoreSummary) -> Rows:
    """A row for each official score of pretrained models that was also measured on rows with errors, under MISTYPED_TITLES."""
    return [
        (
            result.protocol,
            _title(scores, result, metric),
            f"{result.metrics[metric].last_mean:.2f}",
            *(_mistyped(result, metric, name) for name in SPACING),
        )
        for result, metric in _each(scores)
        if result.perturbed and result.initialisation == PRETRAINED
    ]


def _mistyped(result: Result, metric: str, name: str) -> str:
    found = result.perturbed[name]
    mean, share = found.metrics[metric].last_mean, found.unknown_share
    unknown = f", [UNK] {100 * share:.1f} %" if share > MOST_UNKNOWN else ""
    return f"{mean:.2f} ({mean - result.metrics[metric].last_mean:+.2f}{unknown})".replace("-", "−")


def _each(scores: ScoreSummary) -> Iterator[tuple[Result, str]]:
    return ((result, metric) for result in scores.results for metric in result.metrics)


def _title(scores: ScoreSummary, result: Result, metric: str) -> str:
    return next(column.title for column in scores.columns if (column.task, column.metric) == (result.task, metric))
