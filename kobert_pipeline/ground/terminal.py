"""Output that every terminal can show: a console of Windows writes cp949, a bare environment ASCII, and lines have a width."""

from __future__ import annotations

import codecs
import copy
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import translated
from kobert_pipeline.ground.progress_line import cells

PLAIN = {
    "–": "-", "—": "-", "…": "...", "×": "x", "→": "->", "←": "<-", "·": ".", "±": "+-", "≥": ">=", "≤": "<=", "²": "2",
    "⟦": "[", "⟧": "]", "▏": "|", "│": "|", "─": "-", "━": "-", "\N{NO-BREAK SPACE}": " ", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
"""What stands for a character that the encoding of the output lacks. Any other becomes a question mark."""
NAME = "kobert-plain"
DEFAULT_WIDTH = 80
_BETWEEN_WORDS = re.compile(r" (?=[^`]*(?:`[^`]*`[^`]*)*$)")
"""A space that is not between backticks."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in missing), error.end


def accept_every_character() -> None:
    """From here on, no text on stdout or stderr is an error, whatever their encodings are."""
    codecs.register_error(NAME, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=NAME)


def require_place() -> None:
    """Raises KobertError if the folder in which the command runs was removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise KobertError("the current folder does not exist any more. Change to another one (cd).") from None


def require_text(arguments: Sequence[str]) -> None:
    """Raises KobertError for an argument with bytes that are not text, such as CP949 where UTF-8 is expected."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise KobertError(
                "argument {number}, {argument}: these bytes are not {encoding} text. Set the terminal to UTF-8, or convert "
                "the text (iconv -f cp949 -t utf-8).",
                number=number,
                argument=ascii(argument)[:60],
                encoding=sys.getfilesystemencoding(),
            ) from None


def folded(text: str, stream: TextIO) -> str:
    """The text in lines that fit the terminal, cut at spaces. A path and a command between backticks stay whole. Output that is no
    terminal gets the text as it is."""
    if not stream.isatty():
        return text
    width = terminal_width(stream)
    return "\n".join(part for line in text.split("\n") for part in _lines(_BETWEEN_WORDS.split(line), width))


def tell(text: str) -> None:
    """Prints it as wide as the terminal."""
    sys.stdout.write(folded(text, sys.stdout) + "\n")


def terminal_width(stream: TextIO) -> int:
    """Columns. COLUMNS of the environment goes before what the terminal says."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def _lines(words: Sequence[str], width: int) -> Iterator[str]:
    line = words[0]
    for word in words[1:]:
        if cells(line) + 1 + cells(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}"
    yield line


class LogLines(logging.Formatter):
    """Writes log lines in the language of the user, as wide as the terminal. Their templates, such as `%s: starts`, are the keys."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__("%(message)s")
        self.stream = stream

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.msg = translated(str(record.msg))
        return folded(super().format(record), self.stream)
