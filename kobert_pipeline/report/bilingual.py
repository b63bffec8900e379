"""Text of the pages in two languages. Templates and code say it in English; `korean_sentences.py` has the translation.

A page holds both languages, and its style shows one: `html[lang]` says which. So it needs no second file, prints, and works without
a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Self

from markupsafe import Markup, escape

from kobert_pipeline.ground.messages import is_korean
from kobert_pipeline.hub.korean_terms import TERMS
from kobert_pipeline.report.korean_reasons import MEANINGS
from kobert_pipeline.report.korean_sentences import SENTENCES

KOREAN = {**TERMS, **MEANINGS, **SENTENCES}
"""English -> Korean, with the same `{names}`."""
_MARKS = ((re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"), (re.compile(r"`(.+?)`"), r"<code>\1</code>"))


class Said(str):
    """English text that knows its Korean. In HTML it is both, `**bold**` and `` `code` `` set; anywhere else it is English."""

    korean: str

    def __new__(cls, english: str, korean: str) -> Self:
        made = super().__new__(cls, english)
        made.korean = korean
        return made

    def __html__(self) -> Markup:
        english, korean = _marked(self), _marked(self.korean)
        return english if english == korean else _both("span", english, korean)

    @property
    def svg(self) -> Markup:
        """The same inside an SVG `text` element."""
        english, korean = escape(str(self)), escape(self.korean)
        return english if english == korean else _both("tspan", english, korean)

    @property
    def spoken(self) -> str:
        """In the language of the terminal."""
        return self.korean if is_korean() else str(self)

    @property
    def pair(self) -> list[str]:
        """English and Korean, for the page's script."""
        return [str(self), self.korean]


def _both(tag: str, english: Markup, korean: Markup) -> Markup:
    return Markup(f'<{tag} class="en">{english}</{tag}><{tag} class="ko" lang="ko">{korean}</{tag}>')


def _marked(text: str) -> Markup:
    html = str(escape(str(text)))
    for pattern, shown in _MARKS:
        html = pattern.sub(shown, html)
    return Markup(html)


def say(english: str, **values: Any) -> Said:
    """The text with its values in both languages. A text that has no translation, such as a name, is the same in both; one that
    has it already stays as it is."""
    if isinstance(english, Said):
        return english
    korean = KOREAN.get(english, english)
    if not values:
        return Said(english, korean)
    in_korean = {name: value.korean if isinstance(value, Said) else value for name, value in values.items()}
    return Said(english.format(**values), korean.format(**in_korean))


WITH_VALUES = (
    "every label is a number and not all are whole ({label} in row {number})",
    "by the column `{column}`",
    "{train} trained on, {dev} scored",
)
"""What artifacts say with a value in it: of own tasks, why they are of their kind and how their rows were divided."""


def recalled(text: str) -> Said:
    """A sentence of an artifact, which is English there, with its translation."""
    if text in KOREAN:
        return say(text)
    for template in WITH_VALUES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(template))
        if found := re.fullmatch(pattern, text):
            return say(template, **found.groupdict())
    return say(text)


def parts(text: str) -> Said:
    """A name that is put together with commas, each part in its own translation: `this model, best checkpoint`."""
    return joined(text.split(", "))


def joined(texts: Iterable[str], by: str = ", ") -> Said:
    said = [say(text) for text in texts]
    return Said(by.join(said), by.join(each.korean for each in said))


def attribute(name: str, text: str) -> Markup:
    """An attribute in both languages: ` name="…" data-ko-name="…"`. The script and the style choose."""
    said = say(text)
    return Markup(' {0}="{1}" data-ko-{0}="{2}"').format(name, str(said), said.korean)
