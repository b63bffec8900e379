"""What fine-tuning runs took, from their records. Equal scores may take any time, so nothing here is hashed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import RUN
from kobert_pipeline.ground.files import read_cache

FIGURES = ("seconds", "peak_mib", "train_rows_per_second", "scored_rows_per_second")


def costs_of(results: Sequence[Mapping[str, Any]], runs: Path) -> list[dict[str, Any]]:
    """The cost of each result of a summary: means over its runs, which are in the folder `runs`, and their highest peak. A result of
    runs that kept no record is left out."""
    found = []
    for result in results:
        records = [_record(runs / run) for run in result["runs"]]
        if all(len(record) == len(FIGURES) for record in records):
            means = {name: statistics.fmean(record[name] for record in records) for name in FIGURES}
            named = {key: result[key] for key in ("protocol", "title", "initialisation")}
            found.append(named | means | {"peak_mib": max(record["peak_mib"] for record in records)})
    return found


def _record(run: Path) -> dict[str, float]:
    record = read_cache(run / RUN) or {}
    return {name: float(record[name]) for name in FIGURES if isinstance(record.get(name), int | float)}
