"""What the command line says, in English or in Korean: the English sentence is the key of the Korean one.

KOBERT_LANG=ko, or a Korean locale (LANG=ko_KR.UTF-8), chooses Korean. Everything else is English, and so is what has no Korean
sentence. Only the terminal is spoken to in this way: no artifact, page or card depends on the language.
"""

from __future__ import annotations

import os
import re
import sys

LANGUAGE = ("KOBERT_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables. The first one that is set decides, as with gettext."""
_KOREAN = re.compile(r"ko(?![a-z])|korean", re.IGNORECASE)


def is_korean() -> bool:
    """Whether the user asked for Korean, and the terminal can write it."""
    asked = next((value for name in LANGUAGE if (value := os.environ.get(name))), "")
    return bool(_KOREAN.match(asked)) and all(_writes_hangul(stream) for stream in (sys.stdout, sys.stderr))


def _writes_hangul(stream: object) -> bool:
    try:
        "한글".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def in_both(message: str, /, **values: object) -> tuple[str, str]:
    """The message in English and in Korean. English stands for a missing Korean sentence."""
    from kobert_pipeline.ground.korean import KOREAN

    english, korean = message, KOREAN.get(message, message)
    return (english.format(**values), korean.format(**values)) if values else (english, korean)


def translated(message: str) -> str:
    """The Korean sentence where Korean is asked for; the message itself where there is none."""
    if not is_korean():
        return message
    from kobert_pipeline.ground.korean import KOREAN  # not needed in English

    return KOREAN.get(message, message)


def say(message: str, /, **values: object) -> str:
    """The message with its `{placeholders}` filled, in the language of the user."""
    return translated(message).format(**values) if values else translated(message)
