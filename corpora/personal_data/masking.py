"""Search and replacement of personal data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.placeholders import PLACEHOLDERS
from corpora.personal_data.plain_form import plain_form
from corpora.personal_data.rules import RULES
from corpora.personal_data.shapes import HIDDEN, Rule
from corpora.signs import holds_any

_ANCHORED = tuple(rule for rule in RULES if rule.anchor)
_IN_NUMBERS = tuple(rule for rule in RULES if not rule.anchor)
_LOOSE = tuple(rule for rule in _IN_NUMBERS if rule.kind == "account")
_ANY_BUT_LOOSE = re.compile("|".join(f"(?:{rule.pattern.pattern})" for rule in _IN_NUMBERS if rule.kind != "account"))
"""Most numbers have the shape of an account and no other: one search spares them the other rules."""
_NUMBER = re.compile(
    rf"[0-9](?<![0-9]{{2}})(?:(?:[^0-9A-Za-z가-힣\0]{{0,3}}(?:[0-9]|{HIDDEN})){{6,200}}+|[0-9]{{0,2}}(?:\.[0-9]{{1,3}}){{3}})"
)
"""Seven digits or more, with what may join them; four numbers joined by dots. It begins with a class, which is fast.

The bound keeps a line of a million numbers linear. A number that it cuts in two is found in the next round."""


def mask(text: str) -> tuple[str, Counter[str]]:
    """Replaces personal data by placeholders, and counts how many of each kind. Idempotent; never fails.

    A replaced number can free its neighbour (two numbers joined by a hyphen), so rounds repeat until nothing is found.
    Each round removes digits or `@`, so they end. A shape either refuses a neighbour on both sides, or begins after one
    of its own kind, so a long chain of numbers does not need a round for each link.
    """
    counts: Counter[str] = Counter()
    while found := _find(text):
        counts.update(item.kind for item in found)
        text = _replace(text, found, lambda item: PLACEHOLDERS[item.kind])
    return text, counts


def _find(text: str) -> list[Candidate]:
    """The personal data of one round, in order of position; no two overlap."""
    plain = plain_form(text)
    found: list[Candidate] = []
    for rule in _ANCHORED:
        if holds_any(plain, rule.signs) and (taken := list(_at_anchors(rule, plain))):
            plain = _replace(plain, taken, lambda item: "\0" * (item.end - item.start))
            found += taken
    return sorted([*found, *_find_numbers(plain)], key=lambda item: item.start)


def _at_anchors(rule: Rule, plain: str) -> Iterator[Candidate]:
    for start, end in _spans(rule, plain):
        yield from _matches(rule, plain, start, end)


def _spans(rule: Rule, plain: str) -> Iterator[tuple[int, int]]:
    """The pieces of text around the anchors of a rule. Pieces that overlap are one, so no character is read twice."""
    assert rule.anchor is not None
    before, after = rule.reach
    start, end = 0, -1
    for anchor in rule.anchor.finditer(plain):
        if anchor.start() - before > end:
            if end >= 0:
                yield start, end
            start = max(0, anchor.start() - before)
        end = anchor.end() + after
    if end >= 0:
        yield start, end


def _find_numbers(plain: str) -> list[Candidate]:
    found: list[Candidate] = []
    position = 0
    for number in _NUMBER.finditer(plain):
        # Two characters before it may be `(` and `+`; those after it show what must not follow.
        taken = _find_in_number(plain, max(position, number.start() - 2), number.end() + 8)
        position = taken[-1].end if taken else position
        found += taken
    return found


def _find_in_number(plain: str, start: int, end: int) -> list[Candidate]:
    taken: list[Candidate] = []
    for rule in _IN_NUMBERS if _ANY_BUT_LOOSE.search(plain, start, end) else _LOOSE:
        for item in _matches(rule, plain, start, end):
            if all(item.end <= other.start or other.end <= item.start for other in taken):
                taken.append(item)
    return sorted(taken, key=lambda item: item.start)


def _matches(rule: Rule, plain: str, start: int, end: int) -> Iterator[Candidate]:
    for match in rule.pattern.finditer(plain, start, end):
        found = Candidate(rule.kind, plain, match.start(), match.end())
        if rule.check(found):
            yield found


def _replace(text: str, found: list[Candidate], filler: Callable[[Candidate], str]) -> str:
    parts: list[str] = []
    position = 0
    for item in found:
        parts += [text[position : item.start], filler(item)]
        position = item.end
    return "".join([*parts, text[position:]])
