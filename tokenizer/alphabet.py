"""Chooses the characters that get rows in the vocabulary, and in which form: at the beginning of words, inside, or
both."""

from __future__ import annotations

import unicodedata
from collections import Counter

from kobert_pipeline.ground.lookalikes import WIDTHS
from tokenizer.config import TokenizerConfig
from tokenizer.words import SHIFT, is_isolated, shifted

JAMO = [chr(code) for code in range(0x3131, 0x3164)]
ASCII = [chr(code) for code in range(33, 127)]
ENCLOSED_HANGUL = [chr(code) for code in (*range(0x3200, 0x321D), *range(0x3260, 0x327C))]
"""㈀ to ㈜ and ㉠ to ㉻ number the items of lists in statutes and petitions: rare in most texts, frequent in those."""
SIGNS = [chr(code) for code in sorted({*WIDTHS.values()}) if code > 126 and unicodedata.category(chr(code))[0] in "PS"]
"""₩, ¥, 「, 。, · and other signs that Korean keyboards also type in full or half width."""


def ks_x_1001() -> list[str]:
    """The 2,350 Hangul syllables of KS X 1001, which are those that EUC-KR can write."""
    syllables = []
    for code in range(0xAC00, 0xD7A4):
        try:
            chr(code).encode("euc_kr")
        except UnicodeEncodeError:
            continue
        if len(chr(code).encode("euc_kr")) == 2:
            syllables.append(chr(code))
    return syllables


def alphabet(characters: Counter[str], config: TokenizerConfig) -> list[str]:
    """Lists the characters that get rows, those inside words shifted. Sorted, because the order is part of the
    vocabulary.

    Both at the beginning of words and inside: ASCII, the compatibility jamo, what `ks_x_1001` promises; then others by
    frequency, up to the coverage. Letters and combining marks of other scripts get rows only where they occur
    (`characters` are counted by place), and so does a syllable that is too rare for the promise; all others get both.
    """
    syllables, frequency = Counter[str](), Counter[str]()
    for character, count in characters.items():
        bare = _unshifted(character)
        if _is_syllable(bare):
            syllables[bare] += count
        frequency[character if _keeps_its_place(bare, config) else bare] += count
    frequent = covered(frequency, config.character_coverage)
    both = {*ASCII, *JAMO, *(one for one in frequent if not _keeps_its_place(_unshifted(one), config))}
    if config.ks_x_1001:
        both |= {*ks_x_1001(), *(one for one, count in syllables.items() if count >= config.syllable_min_frequency)}
        frequent += ENCLOSED_HANGUL + SIGNS
    return sorted({*frequent, *both, *(shifted(one, initial=False) for one in both if _has_inner_form(one))})


def _is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def _keeps_its_place(character: str, config: TokenizerConfig) -> bool:
    """Whether the character gets a row only for the place where it occurs."""
    if _is_syllable(character):
        return config.ks_x_1001
    return not character.isascii() and unicodedata.category(character)[0] in "LM"


def _has_inner_form(character: str) -> bool:
    return not is_isolated(character) and ord(character) < 0x20000


def covered(frequency: Counter[str], share: float) -> list[str]:
    """The most frequent characters that together make up `share` of the text; ties are broken by code point."""
    wanted = share * sum(frequency.values())
    kept, total = [], 0
    for character, count in sorted(frequency.items(), key=lambda item: (-item[1], item[0])):
        if total >= wanted:
            break
        kept.append(character)
        total += count
    return kept


def _unshifted(character: str) -> str:
    return chr(ord(character) - SHIFT) if ord(character) >= SHIFT else character
