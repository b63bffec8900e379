"""What the page says of pretraining: the figures of the objective in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kobert_pipeline.hub.learned import NATS, SHARE, Figure, Learned, in_unit
from kobert_pipeline.report.numbers import in_sentence, shown_share


class Headline(NamedTuple):
    """A figure at the top of a page or section."""

    words: str
    before: str
    """Where it began; empty for a figure that is measured once."""
    value: str


def headlines(learned: Learned) -> list[Headline]:
    """What a reader wants to know first: the headline, its distance from chance, and every share."""
    found = [_from_start(learned, learned.headline, digits=2)]
    if learned.headline.chance is not None:
        distance = shown(abs(learned.gain), learned.headline.unit, digits=2)
        found.append(Headline(f"{side_of_chance(learned)} {learned.chance_name}", "", distance))
    shares = [figure for figure in learned.whole if figure.unit == SHARE and figure != learned.headline]
    return found + [_at_end(learned, figure) for figure in shares]


def figures(learned: Learned) -> list[Headline]:
    """Every figure of the whole text, the headline from its start on."""
    found = [_from_start(learned, learned.headline, digits=3)]
    if learned.headline.chance is not None:
        words = _with_unit(learned.chance_name, learned.headline)
        found.append(Headline(words, "", _number(learned.headline.chance, learned.headline, 3)))
    return found + [_at_end(learned, figure) for figure in learned.whole if figure != learned.headline]


def side_of_chance(learned: Learned) -> str:
    """`below` or `above`."""
    return "below" if (learned.gain > 0) == (learned.headline.better < 0) else "above"


def comparison_with_chance(learned: Learned) -> str:
    """A sentence; empty where the headline has no level of chance."""
    headline = learned.headline
    if headline.chance is None:
        return ""
    if learned.is_trial:
        level = in_unit(headline.chance, headline.unit)
        return f"On validation text the model is not better than chance ({learned.chance_name}, {level}). Train longer, or on more text."
    distance = shown(abs(learned.gain), headline.unit, digits=2)
    return f"On validation text the model is better than chance: {distance} {side_of_chance(learned)} {learned.chance_name}."


def shown(value: float, unit: str, digits: int) -> str:
    return shown_share(value) if unit == SHARE else f"{value:.{digits}f}" + (f" {NATS}" if unit == NATS else "")


def _from_start(learned: Learned, figure: Figure, digits: int) -> Headline:
    start, end = learned.start(figure), learned.end(figure)
    before = "" if start is None else f"{_number(start, figure, digits)} →"
    return Headline(_with_unit(in_sentence(figure.title), figure), before, _number(end or 0.0, figure, digits))


def _at_end(learned: Learned, figure: Figure) -> Headline:
    end = learned.end(figure)
    digits = 3 if figure.unit == NATS else 1
    return Headline(_with_unit(in_sentence(figure.title), figure), "", _number(end or 0.0, figure, digits))


def _with_unit(words: str, figure: Figure) -> str:
    return f"{words}, {NATS}" if figure.unit == NATS else words


def _number(value: float, figure: Figure, digits: int) -> str:
    return shown_share(value) if figure.unit == SHARE else f"{value:,.{digits}f}"


# --- parts of the text -----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    title: str
    start: str
    end: str
    value: float


@dataclass(frozen=True)
class Group:
    """Figures by part of the text, such as the part of speech."""

    name: str
    heading: str
    shares: bool
    rows: list[Row]


def groups(learned: Learned) -> list[Group]:
    """Those that were measured, in the order of the figures."""
    names = dict.fromkeys(figure.group for figure in learned.figures if figure.group)
    found = [_group(learned, name) for name in names]
    return [group for group in found if group.rows]


def _group(learned: Learned, name: str) -> Group:
    members = [figure for figure in learned.figures if figure.group == name]
    whole = next(_whole(learned, members[0]), None)
    heading = f"{whole.title}, by {name}" if whole else f"By {name}"
    return Group(name, heading, all(figure.unit == SHARE for figure in members), list(_rows(learned, members)))


def _whole(learned: Learned, part: Figure) -> Iterator[Figure]:
    """The figure of the whole text that `part` belongs to: `mean` of `mean_noun`."""
    return (figure for figure in reversed(learned.whole) if part.name.startswith(f"{figure.name}_"))


def _rows(learned: Learned, members: list[Figure]) -> Iterator[Row]:
    for figure in members:
        start, end = learned.start(figure), learned.end(figure)
        if end is not None:
            before = "–" if start is None else shown(start, figure.unit, digits=3)
            yield Row(figure.title, before, shown(end, figure.unit, digits=3), end)
