"""What each row adds to each score, in a file: from it, two evaluations are compared without data and without predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from klue_eval.metrics.row_values import RowValues
from klue_eval.task import KlueTask
from klue_eval.values import Row
from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.ground.fingerprints import fingerprint_of

ROWS = "rows.npz"
"""Numbers only: no text, no label, no name of a row."""

RowScores = Mapping[str, RowValues]
"""Metric -> what each row adds to its official score."""


def rows_id(task: KlueTask, rows: Sequence[Row]) -> str:
    """Identifies scored rows by their texts and labels, in their order."""
    return fingerprint_of({"task": task.name, "rows": [[task.show(row), task.gold(row)] for row in rows]})


def row_scores(task: KlueTask, predictions: Sequence[Any], rows: Sequence[Row]) -> RowScores:
    """`predictions`: those of the official decoding, if the task has one. Empty for metrics that are not made of rows."""
    return task.metrics.by_row(predictions, rows) if task.metrics.by_row else {}


def save_rows(path: Path, runs: Mapping[str, RowScores]) -> None:
    """`runs`: name -> the rows of a run; a name has no slash. Equal content gives equal bytes."""
    import numpy as np

    arrays = {
        f"{name}/{metric}/{values.kind}": np.asarray(values.rows, dtype=np.float64)
        for name, run in runs.items()
        for metric, values in run.items()
    }
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def load_rows(path: Path) -> dict[str, dict[str, RowValues]]:
    """The runs of a file, by name. Raises ArtifactMismatch for a file that cannot be read."""
    import zipfile

    import numpy as np

    runs: dict[str, dict[str, RowValues]] = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                name, metric, kind = key.split("/")
                runs.setdefault(name, {})[metric] = RowValues(kind, arrays[key])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactMismatch(
            "{path}: cannot be read ({error}). Remove its folder, and evaluate again.", path=path, error=error
        ) from None
    return runs
