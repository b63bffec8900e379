"""Step `repeats`: long runs of one character become short."""

from __future__ import annotations

import functools
import re

import numpy as np

from corpora.config import CleaningConfig
from corpora.steps.parentheses import HANJA

_COUNTED = re.compile(r"[\d A-Za-z\s()\[\]{}<>'\"“”‘’*★☆●○■□◆◇\\|/" + HANJA + "]")
"""Characters whose number has a meaning: digits, www, brackets, five stars, the asterisks of a hidden name."""
_EMOJI_RUN = re.compile("([^\\s\ufe0f]\ufe0f)\\1{2,}")


def repeats(text: str, options: CleaningConfig) -> str:
    """Shortens runs of one character to `max_repeats`: ㅋㅋㅋㅋㅋㅋ -> ㅋㅋㅋ. 1000000, www, ★★★★★ and 김*** stay."""
    most = options.max_repeats
    if most is None:
        return text
    repeated = [character for character in _repeated(text, most + 1) if not _COUNTED.match(character)]
    if repeated:
        text = _runs("".join(sorted(repeated)), most).sub(lambda run: run[1] * most, text)
    if "\ufe0f" in text:
        text = _EMOJI_RUN.sub(lambda run: run[0][: 2 * most], text)
    return text


@functools.lru_cache(maxsize=1024)
def _runs(characters: str, most: int) -> re.Pattern[str]:
    return re.compile(rf"([{re.escape(characters)}])\1{{{most},}}")


def _repeated(text: str, length: int) -> set[str]:
    """Characters that occur `length` times in a row. Much faster than a back reference tried at every position."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    run = codes[1:] == codes[:-1]
    for _ in range(length - 2):
        run = run[1:] & run[:-1]
    return {chr(code) for code in np.unique(codes[: len(run)][run])} if run.any() else set()
