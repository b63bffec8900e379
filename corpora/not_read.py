"""Files of folders and archives that are not read: counted by ending, with what would read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from corpora.sources import SOURCES
from kobert_pipeline.ground.compression import split_compression
from kobert_pipeline.ground.messages import say

NO_ENDING = "no ending"
SYSTEM = "system files"
"""The count of files that `corpora.file_names.is_system_file` recognises."""
SHOWN = 10
"""Endings that a message lists."""
_ENDING = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,10}$")
"""Longer endings, or digits alone, are part of a name, and names may hold personal data."""

NotRead = dict[str, Counter[str]]
"""source -> ending -> files."""


def ending(name: str) -> str:
    """Gives `.hwp` for `보고서.HWP` and `.xlsx` for `표.xlsx.gz`."""
    found = _ENDING.search(split_compression(name)[0].rpartition("/")[2])
    return found[0] if found and found.start() else NO_ENDING


def explain_not_read(counts: Mapping[str, int]) -> str:
    """Writes counts as `.hwp 10,000, .png 12, .pdf 3 not read: pip install 'kobert-pipeline[office]' reads .hwp, .pdf`."""
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    words = {NO_ENDING: say(NO_ENDING), SYSTEM: say(SYSTEM)}
    shown = ", ".join(f"{words.get(name, name)} {counts[name]:,}" for name in ordered[:SHOWN])
    more = sum(counts[name] for name in ordered[SHOWN:])
    shown += say(" and {count:,} more", count=more) if more else ""
    return say("{files} not read", files=shown) + "".join(_remedies(ordered))


def _remedies(endings: list[str]) -> list[str]:
    """For each extra that is not installed, the command that installs it, and the endings that it reads."""
    missing = {suffix: source.pip for source in SOURCES.values() if source.missing for suffix in source.suffixes}
    commands = dict.fromkeys(missing[name] for name in endings if name in missing)
    return [
        ("; " if number else ": ")
        + say(
            "{command} reads {endings}",
            command=command,
            endings=", ".join(name for name in endings if missing.get(name) == command),
        )
        for number, command in enumerate(commands)
    ]
