"""Pages that replace no page of another run.

A page says which artifacts it shows. A page that goes on with the same run replaces it; one that shows other artifacts under the
same name first moves the older page to a name with the id of its last artifact.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.files import write_text

logger = logging.getLogger(__name__)

HEAD = 4096
"""Characters at the beginning of a page in which it says what it shows."""
DIGITS = 8
_SHOWN = re.compile(r'<meta name="kobert-artifacts" content="([^"]*)">')


def identity(*runs: ArtifactSet) -> str:
    """What a page of these runs shows: `corpora/0123456789abcdef tokenizer/…`, run by run."""
    return ", ".join(
        " ".join(f"{stage}/{artifact.fingerprint[:16]}" for stage, artifact in run.by_stage.items()) for run in runs
    )


def write_kept(path: Path, page: str) -> None:
    """Writes the page. A page of other artifacts at `path` is kept under another name, which the log says."""
    before, now = _shown(path.read_text(encoding="utf-8")) if path.is_file() else "", _shown(page)
    if before and not _goes_on(before, now):
        kept = path.with_name(f"{path.stem}@{_last_id(before)}{path.suffix}")
        path.replace(kept)
        logger.info("the page of an earlier run is kept: %s", kept)
    write_text(path, page)


def _shown(page: str) -> str:
    found = _SHOWN.search(page[:HEAD])
    return found[1] if found else ""


def _goes_on(before: str, now: str) -> bool:
    """Whether no run shows another artifact of a stage than before."""
    runs = [[_by_stage(run) for run in shown.split(", ")] for shown in (before, now)]
    return len(runs[0]) == len(runs[1]) and all(
        new.get(stage, old) == old for one, new in zip(*runs, strict=True) for stage, old in one.items()
    )


def _by_stage(run: str) -> dict[str, str]:
    return {stage: name for stage, _, name in (part.partition("/") for part in run.split())}


def _last_id(shown: str) -> str:
    return shown.rpartition("/")[2][:DIGITS]
