"""What the pages say of pretraining: the figures of the objective in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kobert_pipeline.ground.contents.pretrained_run import Figure, PretrainedSummary
from kobert_pipeline.hub.wording import in_unit
from kobert_pipeline.report.bilingual import Said, joined, say
from kobert_pipeline.report.numbers import in_sentence, shown_share

SHARE = "share"
LEFT = 0.02
"""Of the level of chance: a headline that is nearer to it may have come there by luck. 0.14 nats at a unigram entropy of 7."""


class Headline(NamedTuple):
    """A figure at the top of a page or section."""

    words: Said
    before: str
    """Its value before training; empty where only the end is shown."""
    value: str


def headlines(run: PretrainedSummary) -> list[Headline]:
    """What a reader wants to know first: the headline, its distance from chance, and every share."""
    distance = shown(abs(run.gain), run.headline_figure.unit, digits=2)
    return [
        _from_start(run, digits=2),
        Headline(say(f"{side_of_chance(run)} {{chance}}", chance=say(run.chance.name)), "", distance),
        *(_at_end(run, figure) for figure in run.overall if figure.unit == SHARE and figure.name != run.headline),
    ]


def figures(run: PretrainedSummary) -> list[Headline]:
    """Every figure of all text, the headline from its start on."""
    headline = run.headline_figure
    return [
        _from_start(run, digits=3),
        *(
            Headline(_with_unit(say(level.name), headline), "", _number(level.value, headline, 3))
            for level in run.levels
        ),
        *(_at_end(run, figure) for figure in run.overall if figure.name != run.headline),
    ]


def side_of_chance(run: PretrainedSummary) -> str:
    """`below` or `above`."""
    return "below" if (run.gain > 0) == (run.headline_figure.better < 0) else "above"


def measured_on(run: PretrainedSummary) -> Said | None:
    """What the figures are measured on, and whether training has seen it. None if the run did not count it."""
    found = run.measured_on
    if found is None:
        return None
    trust = "Validation figures are {on}." if found.is_enough else "Validation figures are {on}: too few to trust."
    said = say(trust, on=say(found.template(run.use), **found.counts()))
    if not found.was_seen:
        return said
    seen = say("{share} of the validation sentences are in the training text, too: the figures are too good.", share=shown_share(found.shared))  # fmt: skip
    return joined([said, seen], " ")


def comparison_with_chance(run: PretrainedSummary) -> Said:
    """One sentence, and advice where the model is not better."""
    unit, chance = run.headline_figure.unit, say(run.chance.name)
    if run.is_trial:
        level = in_unit(run.chance.value, unit)
        return say("On validation text the model is not better than chance ({chance}, {level}). Train longer, or on more text.", chance=chance, level=level)  # fmt: skip
    side = f"On validation text the model is better than chance: {{distance}} {side_of_chance(run)} {{chance}}."
    return say(side, distance=shown(abs(run.gain), unit, digits=2), chance=chance)


def left_chance(run: PretrainedSummary) -> bool:
    """Whether the model has learned more than how frequent tokens are, so that its answers say something."""
    return run.gain > LEFT * abs(run.chance.value)


def why_untried(run: PretrainedSummary) -> Said:
    return say(
        "The model was not tried on examples: it has not left the level of chance ({chance}), so that its answers would be the same for every text.",
        chance=say(run.chance.name),
    )


def shown(value: float, unit: str, digits: int) -> str:
    if unit == SHARE:
        return shown_share(value)
    return f"{value:,.{digits}f} {unit}".rstrip()


def _from_start(run: PretrainedSummary, digits: int) -> Headline:
    figure = run.headline_figure
    start, end = (_number(row[figure.name], figure, digits) for row in (run.first, run.last))
    return Headline(with_unit(figure), f"{start} →", end)


def _at_end(run: PretrainedSummary, figure: Figure) -> Headline:
    end = run.end(figure)
    assert end is not None
    return Headline(with_unit(figure), "", _number(end, figure, 3 if figure.unit else 1))


def with_unit(figure: Figure) -> Said:
    """`masked language model loss, nats`; a share has its unit in the value."""
    title = say(figure.title)
    return _with_unit(Said(in_sentence(title), title.korean), figure)


def _with_unit(words: Said, figure: Figure) -> Said:
    return joined([words, figure.unit]) if figure.unit not in (SHARE, "") else words


def _number(value: float, figure: Figure, digits: int) -> str:
    """Without the unit, which the words name; a share has its %."""
    return shown_share(value) if figure.unit == SHARE else f"{value:,.{digits}f}"


# --- parts of the text -----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    title: str
    start: str
    end: str
    value: float


@dataclass(frozen=True)
class Group:
    """A figure by part of the text, such as the part of speech."""

    name: str
    heading: Said
    shares: bool
    rows: list[Row]


def groups(run: PretrainedSummary) -> list[Group]:
    """Those that were measured, in the order of the figures."""
    names = dict.fromkeys(figure.group for figure in run.figures if figure.group)
    measured = {name: run.group(name) for name in names}
    return [_group(run, name, members) for name, members in measured.items() if members]


def _group(run: PretrainedSummary, name: str, members: Sequence[Figure]) -> Group:
    whole = _whole(run, members[0])
    return Group(
        name,
        say("{figure}, by {part}", figure=say(whole.title), part=say(name))
        if whole
        else say("By {part}", part=say(name)),
        all(figure.unit == SHARE for figure in members),
        [_row(run, figure) for figure in members],
    )


def _whole(run: PretrainedSummary, part: Figure) -> Figure | None:
    """The figure of all text that `part` belongs to: `accuracy` of `accuracy_noun`."""
    return next((figure for figure in reversed(run.overall) if part.name.startswith(f"{figure.name}_")), None)


def _row(run: PretrainedSummary, figure: Figure) -> Row:
    start, end = run.start(figure), run.end(figure)
    assert end is not None
    before = "–" if start is None else shown(start, figure.unit, digits=3)
    return Row(figure.title, before, shown(end, figure.unit, digits=3), end)
