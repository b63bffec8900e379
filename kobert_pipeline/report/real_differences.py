"""Whether the scores of two runs differ by more than chance, laid out for the page and the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klue_eval.significance import Compared, compared
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.scores import Scores

CERTAIN = 0.05


@dataclass(frozen=True)
class RealDifference:
    """One score of both runs."""

    title: str
    """`YNAT macro F1, official`."""
    values: tuple[str, str]
    difference: str
    """`+1.20`: the second minus the first."""
    interval: str
    p: str
    made_of: str
    """`9,107 rows, 3 seeds`."""
    better: int | None
    """The side that is better by more than chance; None where neither is."""
    refused: str

    @property
    def line(self) -> str:
        if self.refused:
            return f"{self.title}: {self.refused}"
        verdict = "more than chance" if self.better is not None else "may be chance"
        return f"{self.title}: {self.difference} ({self.interval}), p {self.p}: {verdict}; {self.made_of}"


def real_differences(both: tuple[ArtifactSet, ArtifactSet]) -> list[RealDifference]:
    """Empty unless both runs were evaluated, and where they share their evaluation."""
    left, right = (artifacts.get(Scores) for artifacts in both)
    if left is None or right is None or left.fingerprint == right.fingerprint:
        return []
    return [_shown(entry) for entry in compared(left, right)]


def _shown(entry: Compared) -> RealDifference:
    found = entry.difference
    return RealDifference(
        title=f"{entry.title}, {entry.protocol}",
        values=(f"{entry.values[0]:.2f}", f"{entry.values[1]:.2f}"),
        difference=_signed(entry.values[1] - entry.values[0]),
        interval=f"{_signed(found.low)} to {_signed(found.high)}" if found else "",
        p=shown_p(found.p) if found else "",
        made_of=f"{entry.rows:,} rows, {_seeds(entry.seeds)}",
        better=int(found.value > 0) if found and found.p < CERTAIN else None,
        refused=entry.refused,
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def shown_p(p: float) -> str:
    """`= 0.012`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _seeds(counts: Sequence[int]) -> str:
    one = counts[0] if len(set(counts)) == 1 else 0
    return f"{one} seed{'s' if one > 1 else ''}" if one else f"{counts[0]} and {counts[1]} seeds"
