"""What it took to make an artifact. A manifest does not hold it: the same content may take any time."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import RUN
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_object

logger = logging.getLogger(__name__)

_FINISHED = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(.*)")


@dataclass(frozen=True)
class Cost:
    """The run that finished the artifact; earlier attempts that were interrupted are not in it."""

    seconds: float
    peak_mib: float | None = None
    """Resident memory of the process and its children."""
    hardware: str = ""
    """Empty if the run did not record it, like the following."""
    machine: str = ""
    """Its system: `Linux-6.8.0-x86_64-with-glibc2.39`."""
    finished: str = ""
    """`2026-11-27 15:20 +0900`."""
    made_with: str = ""
    """The version of this project, and its commit."""

    @property
    def hours(self) -> float:
        return self.seconds / 3600


def read_cost(folder: Path) -> Cost | None:
    """Reads `run.json`. None if the run kept no record of its time."""
    record = _record(folder / RUN)
    seconds, peak_mib = (record.get(name) for name in ("seconds", "peak_mib"))
    if not isinstance(seconds, int | float):
        return None
    return Cost(
        seconds,
        peak_mib if isinstance(peak_mib, int | float) else None,
        hardware=str(record.get("hardware", "")),
        machine=str(record.get("machine", "")),
        finished=_FINISHED.sub(r"\1 \2 \3", str(record.get("finished", ""))).strip(),
        made_with=str(record.get("made_with", "")),
    )


def _record(path: Path) -> dict[str, Any]:
    """Empty if there is none. A damaged one is left out with a warning: no content follows from it."""
    if not path.is_file():
        return {}
    try:
        return read_object(path, "Time and memory of this stage are not shown.")
    except InputError as error:
        logger.warning("%s", error)
        return {}
