"""Output that no terminal can refuse: a console of Windows writes cp949, a bare environment ASCII."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.ground.errors import KobertError

PLAIN = {
    "–": "-", "—": "-", "…": "...", "×": "x", "→": "->", "←": "<-", "·": ".", "±": "+-", "≥": ">=", "≤": "<=", "²": "2",
    "⟦": "[", "⟧": "]", "▏": "|", "│": "|", "─": "-", "━": "-", "\N{NO-BREAK SPACE}": " ", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
"""What stands for a character that the encoding of the output lacks. Any other becomes a question mark."""
NAME = "kobert-plain"


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
                f"argument {number}, {ascii(argument)[:60]}: these bytes are not {sys.getfilesystemencoding()} text. Set the "
                "terminal to UTF-8, or convert the text (iconv -f cp949 -t utf-8)."
            ) from None
