"""The curves of a pretraining, or of two in one chart."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest
from kobert_pipeline.report.charts import (
    REFERENCE,
    REFERENCE_B,
    TRAIN,
    TRAIN_B,
    VALIDATION,
    VALIDATION_B,
    Chart,
    Line,
    Points,
    Rows,
    line_chart,
    points,
)

PAIRS = {"nsp": "Next sentence", "sop": "Sentence order"}
"""Objectives over pairs, in which guessing is right half of the time: how the page calls them."""
PARTS_OF_SPEECH = ("noun", "verb", "particle", "ending", "other")
"""Groups by which masked accuracy is measured: `mlm_accuracy_noun`, and so on."""


@dataclass(frozen=True)
class Run:
    """What pretraining left behind of its course."""

    name: str
    curve: Rows
    """Of training, every `log_steps`."""
    validation: Rows
    entropy: float
    """Of the unigrams, in nats."""
    speed: Rows = field(default_factory=tuple)
    """`tokens_per_second` and `mfu`, from the live log, which is no part of the artifact and may be gone."""


def read_run(name: str, manifest: Manifest, folder: Path) -> Run:
    summary = manifest.summary
    curve = read_rows(folder / "losses.csv") if (folder / "losses.csv").is_file() else []
    live = folder / "run" / "speed.csv"
    return Run(
        name, curve, summary["validation"], summary["unigram_entropy"], read_rows(live) if live.is_file() else []
    )


def read_rows(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


# --- one run ---------------------------------------------------------------------------------------------------------


def charts(run: Run) -> list[Chart]:
    """Those that have something to show."""
    found = [
        _drawn("Masked language model loss, nats", [*_pair(run, "mlm"), _level(run, "unigram entropy", run.entropy)]),
        _drawn("Masked pieces predicted right", _pair(run, "mlm_accuracy"), percent=True, zero=True),
    ]
    for term, title in PAIRS.items():
        lines = [*_pair(run, f"{term}_accuracy"), _level(run, "chance", 0.5)]
        found.append(_drawn(f"{title} predicted right", lines, percent=True))
    for title, rows, column, percent in (
        ("Learning rate", run.curve, "learning_rate", False),
        ("Tokens per second", run.speed, "tokens_per_second", False),
        ("Share of the hardware's peak (MFU)", run.speed, "mfu", True),
    ):
        found.append(_drawn(title, [Line(title, VALIDATION, points(rows, column))], percent=percent, zero=True))
    return [chart for chart in found if chart]


def _drawn(title: str, lines: Sequence[Line], **options: Any) -> Chart | None:
    """None where nothing was measured: a level alone is no chart."""
    measured = any(line.points and not line.dashed for line in lines)
    return line_chart(title, lines, **options) if measured else None


def _pair(run: Run, column: str) -> list[Line]:
    return [
        Line("training", TRAIN, points(run.curve, column)),
        Line("validation", VALIDATION, points(run.validation, column), marked=True),
    ]


def _level(run: Run, name: str, value: float) -> Line:
    """Over all steps."""
    steps = [row["step"] for row in (*run.curve, *run.validation)]
    return Line(
        name, REFERENCE, [(step, value) for step in {min(steps, default=0): 0, max(steps, default=1): 0}], dashed=True
    )


def by_part_of_speech(validation: Rows) -> list[tuple[str, float, float]]:
    """Group, accuracy at the start and at the end. Empty where it was not measured."""
    first, last = validation[0], validation[-1]
    names = [(group, f"mlm_accuracy_{group}") for group in PARTS_OF_SPEECH]
    return [(group, first.get(name, 0.0), last[name]) for group, name in names if name in last]


# --- two runs --------------------------------------------------------------------------------------------------------

SIDES = ((TRAIN, VALIDATION, REFERENCE), (TRAIN_B, VALIDATION_B, REFERENCE_B))


def both(runs: Sequence[Run]) -> list[Chart]:
    """By tokens seen, which batches of any size have in common."""
    entropies = [
        Line(f"{run.name}, unigram entropy", side[2], [(0, run.entropy), (1, run.entropy)], dashed=True)
        for run, side in zip(runs, SIDES, strict=False)
    ]
    same = len({run.entropy for run in runs}) == 1
    levels = [Line("unigram entropy", REFERENCE, entropies[0].points, dashed=True)] if same else entropies
    rates = [
        Line(run.name, side[1], _by_tokens(run.curve, "learning_rate")) for run, side in zip(runs, SIDES, strict=False)
    ]
    found = [
        _drawn("Masked language model loss, nats", [*_beside(runs, "mlm"), *levels], x="tokens"),
        _drawn("Masked pieces predicted right", _beside(runs, "mlm_accuracy"), x="tokens", percent=True, zero=True),
        *(
            _drawn(f"{title} predicted right", _beside(runs, f"{term}_accuracy"), x="tokens", percent=True)
            for term, title in PAIRS.items()
        ),
        _drawn("Learning rate", rates, x="tokens", zero=True),
    ]
    return [chart for chart in found if chart]


def _beside(runs: Sequence[Run], column: str) -> list[Line]:
    trained = [
        Line(f"{run.name}, training", side[0], _by_tokens(run.curve, column))
        for run, side in zip(runs, SIDES, strict=False)
    ]
    validation = [
        Line(f"{run.name}, validation", side[1], _by_tokens(run.validation, column), marked=True)
        for run, side in zip(runs, SIDES, strict=False)
    ]
    return [*trained, *validation]


def _by_tokens(rows: Rows, column: str) -> Points:
    return points(rows, column, "tokens")
