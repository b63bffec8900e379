"""One character for those that look alike: full-width forms, jamo that stand alone, middle dots.

Cleaning unifies texts with these tables, and the tokenizer's normaliser does the same at use, so that a text means the
same pieces whoever typed it. NFC keeps all of these apart; NFKC would unify them, but would also turn ㅋ into a jamo that
no font draws alone, and ① into 1.
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType

WIDTHS: MappingProxyType[int, int] = MappingProxyType(
    {
        code: int(unicodedata.decomposition(chr(code)).split()[1], 16)
        for code in range(0xFF01, 0xFFEF)
        if unicodedata.decomposition(chr(code)).startswith(("<wide>", "<narrow>"))
    }
    | {ord("･"): ord("·")}
)
"""Full-width ASCII -> ASCII, ￦ -> ₩, half-width Katakana, jamo and signs -> their usual forms; Koreans type ･ for ·."""

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
LETTERS: MappingProxyType[str, str] = MappingProxyType(
    {
        chr(first + number): letter
        for first, letters in ((0x1100, _INITIALS), (0x1161, _VOWELS), (0x11A8, _FINALS))
        for number, letter in enumerate(letters)
    }
)
"""Conjoining jamo -> the letter that is typed: ᄏ (U+110F) -> ㅋ (U+314B)."""
_INITIAL, _VOWEL, _FINAL = "[\u1100-\u1112]", "[\u1161-\u1175]", "[\u11a8-\u11c2]"
_ANY_INITIAL, _ANY_VOWEL = "[\u1100-\u115f\ua960-\ua97c]", "[\u1160-\u11a7\ud7b0-\ud7c6]"
"""Those of old Hangul too: the jamo of ᄒᆞᆫ are not alone."""

DOTS = "ㆍ\u119e・‧∙⋅"
"""What keyboards and fonts offer for the middle dot of `시·도지사`. Elsewhere ㆍ is a letter."""

AFTER_REPLACED = (
    f"(?<={_INITIAL})(?!{_ANY_VOWEL})"
    f"|(?<={_VOWEL})(?<!{_ANY_INITIAL}{_VOWEL})"
    f"|(?<={_FINAL})(?<!{_ANY_INITIAL}{_ANY_VOWEL}{_FINAL})"
    f"|(?<=[가-힣A-Za-z0-9)\\]][{DOTS}])(?=[가-힣A-Za-z0-9(\\[])"
)
"""Matches, in composed text (NFC), the place after an initial without vowel, a vowel without initial, a final without
vowel, and a middle dot between words: as Python and as Oniguruma read it."""
_REPLACED = re.compile(f"[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2{DOTS}](?:{AFTER_REPLACED})")
_REPLACEMENTS = LETTERS | dict.fromkeys(DOTS, "·")


def narrowed(text: str) -> str:
    """Replaces full-width and half-width forms by the usual ones."""
    return text.translate(WIDTHS)


def unified(text: str) -> str:
    """Replaces jamo that stand alone by letters, and middle dots between words by `·`, in composed text (NFC)."""
    return _REPLACED.sub(lambda found: _REPLACEMENTS[found[0]], text)
