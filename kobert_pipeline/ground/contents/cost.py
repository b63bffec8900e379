"""What it took to make an artifact. A manifest does not hold it: the same content may take any time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.artifacts import RUN
from kobert_pipeline.ground.files import read_json


@dataclass(frozen=True)
class Cost:
    """The run that finished the artifact; earlier attempts that were interrupted are not in it."""

    seconds: float
    peak_mib: float | None = None
    """Resident memory of the process and its children."""
    hardware: str = ""
    """Empty if the run did not record it."""

    @property
    def hours(self) -> float:
        return self.seconds / 3600


def read_cost(folder: Path) -> Cost | None:
    """Reads `run.json`. None if the run kept no record of its time."""
    record = read_json(folder / RUN) if (folder / RUN).is_file() else {}
    if "seconds" not in record:
        return None
    return Cost(record["seconds"], record.get("peak_mib"), record.get("hardware", ""))
