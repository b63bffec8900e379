"""A labelled file as text. Only UTF-8 is read: labels and texts of a guessed encoding could be silently wrong."""

from __future__ import annotations

from pathlib import Path

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

WIDE = {b"\xff\xfe": "UTF-16LE", b"\xfe\xff": "UTF-16BE"}
"""The marks at the beginning of a file in UTF-16."""


def read_utf8(path: Path) -> str:
    """Returns the text, without a byte order mark. Raises InputError for another encoding and for binary data."""
    content = path.read_bytes()
    wide = WIDE.get(content[:2])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "{file}, line {line}: not UTF-8. {advice}",
            file=path.name,
            line=line,
            advice=_convert(path, wide or _korean(content)),
        ) from None
    if "\0" in text:
        raise InputError(
            "{file}: has NUL characters, so it is not text in UTF-8. {advice}",
            file=path.name,
            advice=_convert(path, wide),
        )
    return text


def _korean(content: bytes) -> str | None:
    try:
        content.decode("cp949")
    except UnicodeDecodeError:
        return None
    return "CP949"


def _convert(path: Path, encoding: str | None) -> str:
    if encoding is None:
        return say("Save it as UTF-8 (in Excel: CSV UTF-8).")
    return say(
        "It looks like {encoding}. Convert it: iconv -f {encoding} -t UTF-8 {file} > utf8-{file}",
        encoding=encoding,
        file=path.name,
    )


def lines_of(text: str) -> list[str]:
    """The lines of a text, as editors count them: rarer characters that Python counts as line ends may be part of a text."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
