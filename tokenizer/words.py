"""Splits text into words before pieces are cut, exactly as the tokenizer does at use (`tokenizer.normaliser`).

A word is an eojeol, further split so that every punctuation mark, every symbol and every Chinese character is a word of
its own; on request digits too. BERT splits neither symbols nor digits.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from kobert_pipeline.morphology.mecab import SEPARATOR

Digits: TypeAlias = Literal["whole", "pairs", "single"]
DIGITS: MappingProxyType[str, str] = MappingProxyType({"pairs": "[0-9]{1,2}", "single": "[0-9]"})
"""What becomes a word by itself."""

CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf\U0002f800-\U0002fa1f"
"""Inside a character class: what BERT's normaliser puts spaces around (Devlin et al. 2019, code release)."""

_EMOJI = "\U0001f000-\U0001faff"
"""Whole blocks, so that emoji of later versions of Unicode are symbols too."""
_VARIANTS = "\ufe0e\ufe0f\u20e3"
"""What follows a symbol to make it an emoji, plain text, or a key."""
SYMBOLS = f"[\\p{{S}}{_EMOJI}{_VARIANTS}]"
"""A pattern of Oniguruma: each match is a word by itself."""

SHIFT = 0xF0000
"""Added to every character that does not begin a word, so that one alphabet distinguishes word-initial from inner
pieces."""


@functools.cache
def _isolated() -> str:
    """Inside a character class: Unicode's punctuation (P) and symbols (S), which ASCII's signs belong to, and Chinese
    characters. Ranges, because `re` compares characters beyond U+FFFF with one entry of a class after another."""
    codes = [code for code in range(33, sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "PS"]
    begins = [code for code, before in zip(codes, [0, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], 0], strict=True) if code != after - 1]
    ranges = "".join(f"\\U{begin:08x}-\\U{end:08x}" for begin, end in zip(begins, ends, strict=True))
    return ranges + _EMOJI + _VARIANTS + CHINESE


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile(rf"[^\s{_isolated()}]+|[{_isolated()}]")


@functools.cache
def _isolated_pattern() -> re.Pattern[str]:
    return re.compile(f"[{_isolated()}]")


def is_isolated(character: str) -> bool:
    """Whether the character is always a word by itself, so that its inner form never occurs."""
    return _isolated_pattern().fullmatch(character) is not None


def words(separated_text: str, digits: Digits = "whole") -> Iterator[str]:
    """Yields the words of a text whose morphemes are separated (see `kobert_pipeline.morphology.mecab.separated`).
    Separators stay inside words."""
    for word in _word_pattern().findall(separated_text):
        for part in _split_digits(word, digits):
            bare = part.strip(SEPARATOR)
            if bare:
                yield bare


def _split_digits(word: str, digits: Digits) -> list[str]:
    if digits == "whole":
        return [word]
    unseparated = re.sub(f"(?<=[0-9]){SEPARATOR}(?=[0-9])", "", word)
    return re.findall(f"{DIGITS[digits]}|[^0-9]+", unseparated)


def shifted(morpheme: str, *, initial: bool) -> str:
    """Shifts every character of the morpheme that does not begin a word by U+F0000.

    >>> [hex(ord(character)) for character in shifted("가나", initial=True)]
    ['0xac00', '0xfb098']
    """
    head, tail = (morpheme[0], morpheme[1:]) if initial else ("", morpheme)
    return head + "".join(chr(ord(character) + SHIFT) for character in tail)


def piece_of(token: str) -> str:
    """Turns a learned token with shifted characters into the piece that WordPiece writes: inner pieces begin with
    `##`."""
    bare = "".join(chr(ord(character) - SHIFT) if ord(character) >= SHIFT else character for character in token)
    return f"##{bare}" if ord(token[0]) >= SHIFT else bare


def count_words(separated_texts: Iterable[str], digits: Digits = "whole") -> Counter[str]:
    """Counts words, with their separators inside."""
    counts: Counter[str] = Counter()
    for text in separated_texts:
        counts.update(words(text, digits))
    return counts


def count_units(separated_texts: Iterable[str], digits: Digits = "whole") -> Counter[str]:
    """Counts shifted morphemes."""
    return units_of(count_words(separated_texts, digits))


def units_of(counts: Mapping[str, int]) -> Counter[str]:
    """Counts the shifted morphemes of counted words. Characters from U+20000 on cannot be shifted; nearly all of them
    are Chinese characters, which are words of their own anyway."""
    units: Counter[str] = Counter()
    for word, count in counts.items():
        for position, morpheme in enumerate(word.split(SEPARATOR)):
            if morpheme and (max(morpheme) < "\U00020000" or (len(morpheme) == 1 and position == 0)):
                units[shifted(morpheme, initial=position == 0)] += count
    return units


def characters_of(units: Mapping[str, int]) -> Counter[str]:
    """Counts the characters of counted units."""
    characters: Counter[str] = Counter()
    for unit, count in units.items():
        for character in unit:
            characters[character] += count
    return characters
