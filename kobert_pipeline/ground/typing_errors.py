"""Texts as people mistype them: without spaces, with spaces in wrong places, with a neighbouring key in a syllable. Pure.

Every error says of each character from which one it comes, so that labels of characters carry over. Only U+0020 counts as a space.
Characters themselves are never lost.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

SPACE = " "
REMOVED, INSERTED, SLIPPED = 0.3, 0.1, 0.1
"""Shares: of the spaces that `random_space` removes, of the places inside a Korean word where it inserts one, and of the
syllables in which `typo` slips."""

_FIRST, _LAST = 0xAC00, 0xD7A3
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_PLACES = (_INITIALS, _VOWELS, _FINALS)
_KEYS = (
    "ㅂㅈㄷㄱㅅ",
    "ㅁㄴㅇㄹㅎ",
    "ㅋㅌㅊㅍ",
    "ㅛㅕㅑㅐㅔ",
    "ㅗㅓㅏㅣ",
    "ㅠㅜㅡ",
    "ㅂㅃ",
    "ㅈㅉ",
    "ㄷㄸ",
    "ㄱㄲ",
    "ㅅㅆ",
    "ㅐㅒ",
    "ㅔㅖ",
)
"""Keys of the Korean two-set layout (KS X 5002) that are next to each other, and letters that differ by the shift key."""


@dataclass(frozen=True)
class Mistyped:
    """A text with errors, and where its characters come from."""

    text: str
    sources: tuple[int | None, ...]
    """For each character, the place of the original one; None for a space that was inserted."""


Mistype: TypeAlias = Callable[[str, random.Random], Mistyped]


def no_space(text: str, rng: random.Random) -> Mistyped:
    """Removes every space."""
    return _kept(text, [place for place, character in enumerate(text) if character != SPACE])


def random_space(text: str, rng: random.Random) -> Mistyped:
    """Removes some spaces, and inserts some between two syllables."""
    sources: list[int | None] = []
    for place, character in enumerate(text):
        if character == SPACE and rng.random() < REMOVED:
            continue
        sources.append(place)
        if _is_syllable(character) and _is_syllable(text[place + 1 : place + 2]) and rng.random() < INSERTED:
            sources.append(None)
    return _kept(text, sources)


def typo(text: str, rng: random.Random) -> Mistyped:
    """Replaces, in some syllables, one letter by one whose key is next to its own. The number of characters stays."""
    characters = (
        _slipped(character, rng) if _is_syllable(character) and rng.random() < SLIPPED else character
        for character in text
    )
    return Mistyped("".join(characters), tuple(range(len(text))))


SPACING: Mapping[str, Mistype] = MappingProxyType({"no_space": no_space, "random_space": random_space, "typo": typo})


def seeded(text: str, name: str, seed: int = 0) -> random.Random:
    """A generator that depends on the text alone, not on its place in a file."""
    return random.Random(f"{seed} {name} {text}")


def _kept(text: str, sources: list[int | None]) -> Mistyped:
    return Mistyped("".join(SPACE if place is None else text[place] for place in sources), tuple(sources))


def _is_syllable(character: str) -> bool:
    return len(character) == 1 and _FIRST <= ord(character) <= _LAST


def _slipped(syllable: str, rng: random.Random) -> str:
    """One of the syllables that a slip makes of it; itself if none of its letters has a neighbour."""
    choices = [slip for place in range(3) for slip in _slips(syllable, place)]
    return rng.choice(choices) if choices else syllable


def _slips(syllable: str, place: int) -> list[str]:
    """The syllables with another letter as initial (0), vowel (1) or final (2)."""
    code = ord(syllable) - _FIRST
    unit = (21 * 28, 28, 1)[place]
    number = code // unit % len(_PLACES[place])
    others = [letter for letter in _NEIGHBOURS.get(_PLACES[place][number], "") if letter in _PLACES[place]]
    return [chr(ord(syllable) + (_PLACES[place].index(letter) - number) * unit) for letter in others]


def _neighbours() -> dict[str, str]:
    pairs = [pair for keys in _KEYS for pair in itertools.pairwise(keys)]
    return {
        letter: "".join(other for pair in pairs for other in pair if letter in pair and other != letter)
        for letter in dict.fromkeys("".join(_KEYS))
    }


_NEIGHBOURS: Mapping[str, str] = MappingProxyType(_neighbours())
