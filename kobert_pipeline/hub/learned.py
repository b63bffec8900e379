"""What a model learned: the figures that its objective names, from the first step to the last, compared with chance. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Row = Mapping[str, float]
"""`step`, `tokens`, and a value for each figure that was measured there."""
NATS, SHARE = "nats", "share"


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    unit: str
    """`nats`, `share` (0 to 1), or empty."""
    chance: float | None
    """The value for a model that knows nothing."""
    better: int
    """1: more is better; -1: less is better."""
    group: str
    """What this figure is a part of, such as `part of speech`; empty for a figure of the whole text."""


@dataclass(frozen=True)
class Learned:
    """The validation figures of a finished pretraining."""

    headline: Figure
    chance_name: str
    """How the objective calls the headline's level of chance."""
    figures: tuple[Figure, ...]
    """In the order of pages; the headline is the first."""
    validation: Sequence[Row]
    measures: Mapping[str, float]
    """Figures that are measured once, on the finished model."""

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Self:
        figures = tuple(Figure(**entry) for entry in summary["figures"])
        headline = next(figure for figure in figures if figure.name == summary["headline"])
        return cls(headline, summary["chance"]["name"], figures, summary["validation"], summary["measures"])

    @property
    def whole(self) -> list[Figure]:
        """Figures of the whole text that have a value."""
        return [figure for figure in self.figures if not figure.group and self.end(figure) is not None]

    def start(self, figure: Figure) -> float | None:
        """At the first measurement; None for a figure that is measured once."""
        return self.validation[0].get(figure.name)

    def end(self, figure: Figure) -> float | None:
        """At the last measurement, or on the finished model. None where it was not measured."""
        return self.validation[-1].get(figure.name, self.measures.get(figure.name))

    @property
    def gain(self) -> float:
        """By how much the headline ends better than chance; negative where it is worse."""
        end = self.end(self.headline)
        assert end is not None
        return (end - (self.headline.chance or 0.0)) * self.headline.better

    @property
    def is_trial(self) -> bool:
        """Whether the model is not better than chance."""
        return self.gain <= 0


def in_unit(value: float, unit: str) -> str:
    """`4.159 nats`, `30.0 %`, `93.7`."""
    if unit == SHARE:
        return f"{100 * value:.1f} %"
    return f"{value:.3f} nats" if unit == NATS else f"{value:,.1f}"
