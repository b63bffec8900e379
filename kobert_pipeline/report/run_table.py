"""Runs in one table: the settings that differ, loss, scores and time; seeds of the same settings together. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.cost import read_cost
from kobert_pipeline.ground.contents.pretrained_run import Figure, PretrainedRun
from kobert_pipeline.ground.contents.scores import PRETRAINED, Scores
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.pointers import split_name
from kobert_pipeline.report.bilingual import Said, joined, say
from kobert_pipeline.report.differences import NAME, flat, shown
from kobert_pipeline.report.numbers import in_sentence

SEED = "seed"
TRAINED = ("corpora", "tokenizer", "dataset", "pretrain")
"""Stages whose settings decide the model. Runs of a group may have been scored in different ways, or not yet."""
FEWEST = 3
"""Seeds from which a deviation is shown."""


@dataclass(frozen=True)
class Loss:
    """The headline of a pretraining on validation text."""

    figure: Figure
    value: float
    store: str
    """Fingerprint of the token store. Losses on different validation texts cannot be compared."""

    @property
    def comparable(self) -> tuple[str, str]:
        return self.store, self.figure.name


@dataclass(frozen=True)
class RunRow:
    """A run, as far as it went."""

    name: str
    stage: str
    """The last finished stage; empty if none is."""
    settings: Mapping[str, str]
    """Path of every setting that decides the result -> its value; `seed` is that of the pretraining."""
    loss: Loss | None
    scores: Mapping[str, float]
    """`YNAT macro F1, official` -> mean over the seeds of the fine-tuning, of the last checkpoint."""
    sample: bool
    """Whether the scores are of the bundled sample, where they mean nothing."""
    seconds: float
    """Of all stages, those shared with other runs among them."""

    @property
    def recipe(self) -> str:
        return split_name(self.name)[0]

    @property
    def tag(self) -> str:
        return split_name(self.name)[1]


def row_of(name: str, artifacts: ArtifactSet) -> RunRow:
    """Reads the manifests of a run."""
    costs = [read_cost(artifact.folder) for artifact in artifacts.by_stage.values()]
    evaluation = artifacts.get(Scores)
    return RunRow(
        name=name,
        stage=next(reversed(list(artifacts.by_stage)), ""),
        settings=_settings(artifacts),
        loss=_loss(artifacts),
        scores=_scores(evaluation) if evaluation else {},
        sample=evaluation.summary.sample if evaluation else False,
        seconds=sum(cost.seconds for cost in costs if cost),
    )


def _settings(artifacts: ArtifactSet) -> dict[str, str]:
    found = {
        f"{stage}.{key}": shown(value)
        for stage, artifact in artifacts.by_stage.items()
        for key, value in flat(artifact.config).items()
        if key != NAME
    }
    run = artifacts.get(PretrainedRun)
    return found | ({SEED: str(run.seed)} if run else {})


def _loss(artifacts: ArtifactSet) -> Loss | None:
    run = artifacts.get(PretrainedRun)
    if run is None:
        return None
    store = artifacts.get(TokenStore)
    figure = run.summary.headline_figure
    value = run.summary.end(figure)
    return None if value is None else Loss(figure, value, store.fingerprint if store else "")


def _scores(evaluation: Scores) -> dict[str, float]:
    titles = {(column.task, column.metric): column.title for column in evaluation.summary.columns}
    return {
        f"{titles[result.task, metric]}, {result.protocol}": figures.last_mean
        for result in evaluation.summary.results
        if result.initialisation == PRETRAINED
        for metric, figures in result.metrics.items()
    }


def differing(rows: Sequence[RunRow]) -> list[str]:
    """Settings that are not equal in all runs that have got to their stage."""
    keys = dict.fromkeys(key for row in rows for key in row.settings)
    return [key for key in keys if len({row.settings[key] for row in rows if key in row.settings}) > 1]


def own_settings(row: RunRow, keys: Sequence[str]) -> dict[str, str]:
    """Those of a run. The stage is left out of a key where the rest is unambiguous, as in `learning_rate`."""
    return {short(key, keys): row.settings[key] for key in keys if key in row.settings}


def short(key: str, keys: Sequence[str]) -> str:
    rest = key.partition(".")[2] or key
    return rest if sum((other.partition(".")[2] or other) == rest for other in keys) == 1 else key


# --- seeds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds of a group."""

    mean: float
    deviation: float | None
    """Of the sample; None below three seeds."""


@dataclass(frozen=True)
class Group:
    """Runs of equal settings and different seeds of the pretraining."""

    rows: list[RunRow] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rows[0].name

    @property
    def seeds(self) -> list[str]:
        """In order, as the numbers that they are."""
        return sorted((row.settings.get(SEED, "") for row in self.rows), key=lambda seed: (len(seed), seed))

    @property
    def loss(self) -> Spread | None:
        """None if a run has no loss, or if their validation texts differ."""
        losses = [row.loss for row in self.rows if row.loss]
        same = len({loss.comparable for loss in losses}) == 1
        return spread([loss.value for loss in losses]) if same and len(losses) == len(self.rows) else None

    def score(self, name: str) -> Spread | None:
        values = [row.scores[name] for row in self.rows if name in row.scores]
        return spread(values) if len(values) == len(self.rows) else None


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) >= FEWEST else None)


def groups(rows: Sequence[RunRow]) -> list[Group]:
    """In the order of their first run. Runs of the same seed and settings are different groups: they repeat each other."""
    found: dict[tuple[object, ...], Group] = {}
    for row in rows:
        rest = tuple(sorted((key, value) for key, value in row.settings.items() if key.split(".")[0] in TRAINED))
        number = 0
        while row.settings.get(SEED) in (found[rest, number].seeds if (rest, number) in found else ()):
            number += 1
        found.setdefault((rest, number), Group()).rows.append(row)
    return list(found.values())


# --- the verdict ------------------------------------------------------------------------------------------------------


def verdict(rows: Sequence[RunRow]) -> list[Said]:
    """Which run is best, by how much, and whether seeds differ as much: one sentence for the loss, one for the scores."""
    found = groups(rows)
    return [sentence for sentence in (_loss_verdict(found), _score_verdict(found)) if sentence]


def _loss_verdict(found: Sequence[Group]) -> Said | None:
    if len(found) == 1:
        return _seed_verdict(found[0])
    measured = [(group, loss) for group in found if (loss := group.loss)]
    if len(measured) < 2:
        return None
    losses = [row.loss for group, _ in measured for row in group.rows if row.loss]
    if len({loss.comparable for loss in losses}) > 1:
        return say("The losses cannot be compared: the runs have different token stores or objectives.")
    figure = losses[0].figure
    ranked = sorted(measured, key=lambda pair: -figure.better * pair[1].mean)
    (best, first), (next_best, second) = ranked[:2]
    distance = abs(first.mean - second.mean)
    if not distance:
        same = "{one} and {other} have the same {figure}, {value}."
        return say(same, one=best.name, other=next_best.name, figure=_titled(figure), value=amount(first, figure))
    words = say(
        "{best} is best: {figure} {value}{mean}, {distance} better than {other}{other_mean}.",
        best=best.name,
        figure=_titled(figure),
        value=amount(first, figure),
        mean=_of(best),
        distance=show_number(distance, figure),
        other=next_best.name,
        other_mean=_of(next_best),
    )
    return joined([words, _trust(first, second)], " ")


def _titled(figure: Figure) -> Said:
    title = say(figure.title)
    return Said(in_sentence(title), title.korean)


def _seed_verdict(group: Group) -> Said | None:
    """What seeds alone make of the loss."""
    losses = [row.loss for row in group.rows if row.loss]
    if group.loss is None or len(losses) < 2:
        return None
    values, figure = [loss.value for loss in losses], losses[0].figure
    return say(
        "These runs differ only in the seed of the pretraining: {figure} {value} in the mean, {distance} between the best and the worst. A change of settings has to do more than that.",
        figure=_titled(figure),
        value=amount(group.loss, figure),
        distance=show_number(max(values) - min(values), figure),
    )


def _score_verdict(found: Sequence[Group]) -> Said | None:
    if any(row.sample for group in found for row in group.rows):
        return say("Scores of the bundled sample mean nothing.")
    names = [name for name in found[0].rows[0].scores if all(group.score(name) for group in found)] if found else []
    if not names or len(found) < 2:
        return None
    wins: dict[str, int] = {}
    for name in names:
        best = max(found, key=lambda group: _mean(group.score(name)))
        wins[best.name] = wins.get(best.name, 0) + 1
    ranked = sorted(wins.items(), key=lambda pair: -pair[1])
    counted = [say("{name} in {count} of {all}", name=name, count=count, all=len(names)) for name, count in ranked]
    return say("Best scores: {wins}.", wins=joined(counted))


def _mean(value: Spread | None) -> float:
    return -math.inf if value is None else value.mean


def _trust(first: Spread, second: Spread) -> Said:
    deviations = [each.deviation for each in (first, second) if each.deviation is not None]
    if len(deviations) < 2:
        return say("Run {count} seeds of each to see whether that is more than chance.", count=FEWEST)
    noise = math.hypot(*deviations)
    if abs(first.mean - second.mean) <= 2 * noise:
        return say("Seeds differ as much, so that may be chance.")
    return say("That is more than twice what seeds make of it.")


def _of(group: Group) -> Said:
    return say(" (mean of {count} seeds)", count=len(group.rows)) if len(group.rows) > 1 else Said("", "")


def amount(value: Spread, figure: Figure) -> str:
    """`7.1368 ± 0.0497 nats`; without a deviation below three seeds."""
    if value.deviation is None:
        return show_number(value.mean, figure)
    scale, unit = (100, "%") if figure.unit == "share" else (1, figure.unit)
    digits = 2 if figure.unit == "share" else 4
    return f"{scale * value.mean:.{digits}f} ± {scale * value.deviation:.{digits}f} {unit}".rstrip()


def show_number(value: float, figure: Figure) -> str:
    return f"{100 * value:.2f} %" if figure.unit == "share" else f"{value:.4f}{' ' if figure.unit else ''}{figure.unit}"
