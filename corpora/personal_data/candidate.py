"""A piece of text that has the shape of personal data, and the words around it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpora.personal_data.placeholders import PLACEHOLDERS

CONTEXT_BEFORE, CONTEXT_AFTER = 30, 15
"""The window of a context word, in characters before and after the number. It ends at a placeholder."""
_NOT_DIGIT = re.compile(r"[^0-9]")
_PLACEHOLDER_END = re.compile(r"(?:번호|주소|이메일)\]")
_PLACEHOLDER_START = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of `text` (in its plain form) that has the shape of `kind`."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """The piece as it is written, in plain characters."""
        return self.text[self.start : self.end]

    @property
    def digits(self) -> str:
        """Its digits alone."""
        return _NOT_DIGIT.sub("", self.value)

    @property
    def groups(self) -> list[str]:
        """Its runs of digits."""
        return _NOT_DIGIT.sub(" ", self.value).split()

    @property
    def joints(self) -> set[str]:
        """The marks between its digits, without blanks around a mark: `{"-"}`; `{" "}` if only blanks join them."""
        marks = set(_NOT_DIGIT.findall(self.value))
        return marks - {" ", "\n"} or marks

    @property
    def before(self) -> str:
        """The window before it."""
        return _PLACEHOLDER_END.split(self.text[max(0, self.start - CONTEXT_BEFORE) : self.start])[-1]

    @property
    def after(self) -> str:
        """The window after it."""
        return _PLACEHOLDER_START.split(self.text[self.end : self.end + CONTEXT_AFTER])[0]

    def is_near(self, words: re.Pattern[str]) -> bool:
        """Whether a context word is in one of the two windows."""
        return words.search(self.before) is not None or words.search(self.after) is not None
