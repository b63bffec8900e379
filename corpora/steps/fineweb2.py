"""The filters of FineWeb-2 with its Korean thresholds (Penedo et al. 2025; `configs/kor_Hang.yml`), as `filters: fineweb2` asks for.

The rules are those of datatrove: repetition (Rae et al. 2021, table A1), FineWeb's own, Gopher's quality. A word is a
morpheme; FineWeb-2 has Kiwi find them, this file MeCab. FineWeb-2 also asks GlotLID for a language score of .842; here the share of
Hangul decides about the language, before these rules. Reasons have datatrove's names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from corpora.documents import Drop
from kobert_pipeline.morphology.mecab import SEPARATOR, separated

MAX_DUPLICATE_LINES = 0.374
"""Share of lines that occurred before."""
MAX_TOP_NGRAMS = ((2, 0.282), (3, 0.228), (4, 0.185))
"""Words, and the share of characters that the most frequent sequence of so many words may have."""
MAX_DUPLICATE_NGRAMS = ((5, 0.201), (6, 0.184), (7, 0.168), (8, 0.154), (9, 0.14), (10, 0.127))
"""Words, and the share of characters in sequences of so many words that occurred before."""
MIN_ENDED_LINES = 0.062
"""Share of lines that end with a mark of the end of a sentence."""
MAX_DUPLICATE_LINE_CHARACTERS = 0.1
"""Share of characters in lines that occurred before."""
MAX_BREAKS = 0.196
"""Line breaks for each word."""
MIN_WORDS, MAX_WORDS = 50, 100_000
MIN_WORD_LENGTH, MAX_WORD_LENGTH = 1, 6
"""Mean, in characters."""
MAX_SYMBOLS = 0.1
"""Hashes, or ellipses, for each word."""
MAX_BULLETS, MAX_ELLIPSES = 0.9, 0.3
"""Share of lines that begin with a bullet, or end with an ellipsis."""
MIN_ALPHABETIC = 0.791
"""Share of words with a letter."""
STOP_WORDS = frozenset(
    [
        "의",
        "다",
        "이",
        "는",
        "에",
        "을",
        "한",
        "년",
        "하",
        "은",
        "를",
        "했",
        "고",
        "에서",
        "가",
        "있",
        "으로",
        "인",
        "월",
        "로",
        "되",
    ]
)
MIN_STOP_WORDS = 2
"""Different ones."""
_ENDS = tuple(".?!。？！．｡﹒﹖﹗‼⁇⁈⁉‽")
_ELLIPSES = ("...", "…")
_BREAKS = re.compile(r"\n+")
_PUNCTUATION = frozenset("!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»")
_LONG_NUMBER = re.compile(r"[0-9,]{20,}")


def keep(text: str) -> Drop | None:
    """Gives the first reason to drop a text; None keeps it."""
    words = words_of(text)
    lines = [line for line in text.split("\n") if line.strip()]
    if not words or not lines:
        return Drop("gopher_short_doc")
    reason = next((name for name, failed in _reasons(text, lines, words) if failed), "")
    return Drop(reason) if reason else None


def words_of(text: str) -> list[str]:
    """Gives the morphemes as they are written, without spaces."""
    clean = _LONG_NUMBER.sub("", text).replace(SEPARATOR, " ")
    parts = (part.strip() for line in clean.split("\n") if line for part in separated(line).split(SEPARATOR))
    return [part for part in parts if part]


def _reasons(text: str, lines: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Every rule as (name, whether the text fails it), in the order of FineWeb-2. Rules are computed one by one."""
    yield from _repetition(text, words)
    yield "line_punct_ratio", _share(line.endswith(_ENDS) for line in lines) < MIN_ENDED_LINES
    repeated = _repeated_characters(lines) / len(text.replace("\n", ""))
    yield "char_dup_ratio", repeated > MAX_DUPLICATE_LINE_CHARACTERS
    yield "list_ratio", text.count("\n") / len(words) > MAX_BREAKS
    yield from _quality(text, words)


def _repetition(text: str, words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    lines = _BREAKS.split(text)
    yield "dup_line_frac", 1 - len(set(lines)) / len(lines) > MAX_DUPLICATE_LINES
    for size, most in MAX_TOP_NGRAMS:
        yield f"top_{size}_gram", _top_characters(words, size) > most * len(text)
    for size, most in MAX_DUPLICATE_NGRAMS:
        yield f"duplicated_{size}_n_grams", _duplicate_characters(words, size) > most * len(text)


def _quality(text: str, words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    real = [word for word in words if not _PUNCTUATION.issuperset(word)]
    yield "gopher_short_doc", len(real) < MIN_WORDS
    yield "gopher_long_doc", len(real) > MAX_WORDS
    length = sum(map(len, real)) / max(1, len(real))
    yield "gopher_below_avg_threshold", length < MIN_WORD_LENGTH
    yield "gopher_above_avg_threshold", length > MAX_WORD_LENGTH
    yield "gopher_too_many_hashes", text.count("#") > MAX_SYMBOLS * len(words)
    yield "gopher_too_many_ellipsis", sum(map(text.count, _ELLIPSES)) > MAX_SYMBOLS * len(words)
    lines = text.splitlines()
    yield "gopher_too_many_bullets", _share(line.lstrip().startswith(("•", "-")) for line in lines) > MAX_BULLETS
    yield "gopher_too_many_end_ellipsis", _share(line.rstrip().endswith(_ELLIPSES) for line in lines) > MAX_ELLIPSES
    yield "gopher_below_alpha_threshold", _share(any(map(str.isalpha, word)) for word in words) < MIN_ALPHABETIC
    yield "gopher_enough_stop_words", len(STOP_WORDS.intersection(words)) < MIN_STOP_WORDS


def _share(values: Iterator[bool]) -> float:
    found = list(values)
    return sum(found) / max(1, len(found))


def _repeated_characters(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) - sum(map(len, set(lines)))


def _top_characters(words: Sequence[str], size: int) -> int:
    """Characters of the most frequent sequence, once for each time that it occurs, with a space between words."""
    counts = Counter(zip(*(words[start:] for start in range(size)), strict=False))
    top, count = max(counts.items(), key=lambda item: item[1], default=((), 0))
    return count * (sum(map(len, top)) + size - 1)


def _duplicate_characters(words: Sequence[str], size: int) -> int:
    """Characters in sequences that occurred before, without overlaps."""
    seen: set[str] = set()
    repeated = position = 0
    while position + size <= len(words):
        ngram = "".join(words[position : position + size])
        if ngram in seen:
            repeated += len(ngram)
            position += size
        else:
            seen.add(ngram)
            position += 1
    return repeated
