"""Step `filters`: drops what is not Korean prose, and says why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from corpora.config import FilterConfig
from corpora.documents import Document, Drop
from corpora.steps import fineweb2
from corpora.steps.boilerplate import boilerplate_share


def filters(document: Document, options: FilterConfig) -> Document | Drop:
    """Returns the document, or the first reason to drop it."""
    return keep(document, options) or document


def keep(document: Document, config: FilterConfig) -> Drop | None:
    """Gives the first reason to drop a cleaned document; None keeps it. The cheapest filters come first."""
    text = document.text
    if config.rules == "fineweb2":
        return Drop("not_korean") if hangul_share(text) < config.min_hangul_share else fineweb2.keep(text)
    if len(text) < config.min_characters:
        return Drop("too_short")
    kinds = _count_kinds(text)
    if _hangul_share(kinds) < config.min_hangul_share:
        return Drop("not_korean")
    if kinds[_MARKUP] >= _MIN_MARKS and _markup_share(kinds) > config.max_markup_share:
        return Drop("markup_or_code")
    if boilerplate_share(text) > config.max_boilerplate_share:
        return Drop("boilerplate")
    return _keep_lines(text, config) or _keep_ngrams(text, config)


# --- kinds of characters ----------------------------------------------------------------------------------------------

_HANGUL_RANGES = (
    (0x1100, 0x11FF),
    (0x3131, 0x318E),
    (0xA960, 0xA97C),
    (0xAC00, 0xD7A3),
    (0xD7B0, 0xD7C6),
    (0xD7CB, 0xD7FB),
)
_OTHER, _HANGUL, _LETTER, _MARKUP, _SPACE, _HANJA = range(6)


def _kind(code: int) -> int:
    if any(first <= code <= last for first, last in _HANGUL_RANGES):
        return _HANGUL
    character = chr(code)
    if character in "{}[]<>\\=;_#@$^&`":
        return _MARKUP
    if 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF:
        return _HANJA
    return _LETTER if character.isalpha() else _SPACE if character.isspace() else _OTHER


_MIN_MARKS = 20
"""Marks: a short text with a pair of brackets is not a program."""
_KINDS = np.array([_kind(code) for code in range(0x10000)], dtype=np.uint8)


def _count_kinds(text: str) -> list[int]:
    """Counts characters by kind, in one pass outside Python.

    In UTF-16 a character beyond the basic plane (emoji, rare Hanja) is two units of the kind `_OTHER`.
    """
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    counts: list[int] = np.bincount(_KINDS[units], minlength=6).tolist()
    return counts


def hangul_share(text: str) -> float:
    """Gives the share of Hangul among letters, 0 to 1. Digits and punctuation say nothing about the language.

    Hanja count as Hangul in a text that has half as much Hangul or more (國漢文): particles and endings make it Korean.
    """
    return _hangul_share(_count_kinds(text))


def markup_share(text: str) -> float:
    """Gives the share of the marks of programs and markup among characters that are not a space, 0 to 1."""
    return _markup_share(_count_kinds(text))


def _hangul_share(kinds: Sequence[int]) -> float:
    hangul, hanja = kinds[_HANGUL], kinds[_HANJA]
    korean = hangul + hanja if 2 * hangul >= hanja else hangul
    letters = hangul + hanja + kinds[_LETTER]
    return korean / letters if letters else 0.0


def _markup_share(kinds: Sequence[int]) -> float:
    seen = sum(kinds) - kinds[_SPACE]
    return kinds[_MARKUP] / seen if seen else 0.0


# --- lines -----------------------------------------------------------------------------------------------------------

_SHORT = 60
"""Characters: a line of prose is longer, or ends like a sentence."""
_SENTENCE_LIKE = re.compile(
    r"(?:[.!?…~^;,:\"'”’)>」』ㄱ-ㅣ]"
    r"|[다요까죠네음함임됨지라자어아해야워게며고면서니데든걸듯만도은는을를에의로와나까봐줘세])[^가-힣A-Za-z0-9]{0,5}$"
)
"""Ends like a predicate, a clause or a spoken line: final endings, connective endings, particles, punctuation."""


def _keep_lines(text: str, config: FilterConfig) -> Drop | None:
    lines = [line for line in text.split("\n") if line]
    if len(lines) >= config.min_list_lines and list_share(lines) > config.max_list_share:
        return Drop("list_or_table")
    by_line, by_character = duplicate_line_shares(lines)
    if by_line > config.max_duplicate_line_share or by_character > config.max_duplicate_line_character_share:
        return Drop("repeated_lines")
    return None


def list_share(lines: Sequence[str]) -> float:
    """Gives the share of characters, 0 to 1, in lines that are a row of a table, or short with a noun, name or number
    at the end.

    Reviews, dialogue and verse have short lines too, but their lines end in predicates, particles and punctuation.
    """
    characters = sum(map(len, lines))
    if characters > _SHORT * len(lines) or not characters:
        return 0.0
    return sum(len(line) for line in lines if _is_item(line)) / characters


def _is_item(line: str) -> bool:
    return line.count("|") > 1 or (len(line) < _SHORT and not _SENTENCE_LIKE.search(line[-8:]))


def duplicate_line_shares(lines: Sequence[str]) -> tuple[float, float]:
    """Gives (share of lines, share of characters) of lines that occurred before. Blank lines must not be among them."""
    distinct = set(lines)
    if len(distinct) == len(lines):
        return 0.0, 0.0
    characters = sum(map(len, lines))
    return 1 - len(distinct) / len(lines), 1 - sum(map(len, distinct)) / characters


# --- n-grams ---------------------------------------------------------------------------------------------------------

_WINDOW = 2000
"""Eojeols. Sequences are counted within windows, because a long report repeats more of its phrases."""
_DISTINCT_PAIRS = 0.9
"""If more pairs of eojeols than this share are distinct, the text repeats too little to be examined."""


def _keep_ngrams(text: str, config: FilterConfig) -> Drop | None:
    eojeols = text.split()
    if len(eojeols) < config.min_ngram_eojeols:
        return None
    windows = [eojeols[start : start + _WINDOW] for start in range(0, len(eojeols), _WINDOW)]
    repetitive = sum(_is_repetitive(window, config) for window in windows)
    return Drop("repeated_ngrams") if 2 * repetitive > len(windows) else None


def _is_repetitive(eojeols: Sequence[str], config: FilterConfig) -> bool:
    if len(set(pairwise(eojeols))) > _DISTINCT_PAIRS * (len(eojeols) - 1):
        return False
    tops = (top_ngram_share(eojeols, size) for size in (2, 3, 4))
    return (
        any(top > most for top, most in zip(tops, config.max_top_ngram_shares, strict=True))
        or duplicate_ngram_share(eojeols, 5) > config.max_duplicate_ngram_share
    )


def top_ngram_share(eojeols: Sequence[str], size: int) -> float:
    """Gives the share of characters, 0 to 1, in the most frequent sequence of `size` eojeols, if it occurs twice."""
    counts = Counter(zip(*(eojeols[start:] for start in range(size)), strict=False))
    top, count = max(counts.items(), key=lambda item: item[1], default=((), 0))
    if count < 2:
        return 0.0
    return min(1.0, count * sum(map(len, top)) / sum(map(len, eojeols)))


def duplicate_ngram_share(eojeols: Sequence[str], size: int) -> float:
    """Gives the share of characters, 0 to 1, in sequences of `size` eojeols that occurred before, without overlaps."""
    seen: set[tuple[str, ...]] = set()
    position = repeated = 0
    while position + size <= len(eojeols):
        ngram = tuple(eojeols[position : position + size])
        if ngram in seen:
            repeated += sum(map(len, ngram))
            position += size
        else:
            seen.add(ngram)
            position += 1
    return repeated / max(1, sum(map(len, eojeols)))
