"""Whether the scores of two runs differ by more than chance, laid out for the page and the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klue_eval.significance import Compared, compared
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.report.bilingual import Said, joined, say

CERTAIN = 0.05


@dataclass(frozen=True)
class RealDifference:
    """One score of both runs."""

    title: str
    """`YNAT macro F1, official`."""
    values: tuple[str, str]
    difference: str
    """`+1.20`: the second minus the first."""
    interval: Said
    p: str
    made_of: Said
    """`9,107 rows, 3 seeds`."""
    better: int | None
    """The side that is better by more than chance; None where neither is."""
    refused: Said | None

    @property
    def line(self) -> Said:
        if self.refused:
            return joined([self.title, self.refused], ": ")
        verdict = say("more than chance") if self.better is not None else say("may be chance")
        figures = say("{difference} ({interval}), p {p}", difference=self.difference, interval=self.interval, p=self.p)
        return joined([self.title, joined([figures, joined([verdict, self.made_of], "; ")], ": ")], ": ")


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
        values=(_plain(entry.values[0]), _plain(entry.values[1])),
        difference=_signed(entry.values[1] - entry.values[0]),
        interval=say("{low} to {high}", low=_signed(found.low), high=_signed(found.high)) if found else Said("", ""),
        p=shown_p(found.p) if found else "",
        made_of=say("{rows} rows, {seeds}", rows=f"{entry.rows:,}", seeds=_seeds(entry.seeds)),
        better=int(found.value > 0) if found and found.p < CERTAIN else None,
        refused=Said(*entry.refused) if entry.refused else None,
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _plain(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def shown_p(p: float) -> str:
    """`= 0.012`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _seeds(counts: Sequence[int]) -> Said:
    if len(set(counts)) > 1:
        return say("{one} and {other} seeds", one=counts[0], other=counts[1])
    return say("{count} seeds", count=counts[0]) if counts[0] > 1 else say("1 seed")
