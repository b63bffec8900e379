"""AI Hub JSON: every data set has another shape, so a JMESPath expression in `text_field` names the texts.

`data[].paragraph` gives a list of strings, `data[].sentences[].text` a list of lists of strings, one for each element
of `data`. An expression that begins with an array is applied to one element of it at a time, so files of any size are
streamed; unlike in JMESPath, a later `[]` does not flatten over the elements of the first array.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from corpora.config import SourceConfig
from corpora.documents import Document, Drop
from corpora.sources.json_elements import json_elements
from corpora.sources.raw_file import RawFile
from corpora.sources.source import Damaged, Source, numbered, too_large
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

_LEADING_ARRAY = re.compile(
    r'(?:(?P<bare>[^\W\d]\w*)|"(?P<quoted>[^"\\]+)")?\[\*?\](?:\.(?P<rest>[^|]+)|(?P<more>\[.*)|$)'
)

_QUOTED_OR_WORD = re.compile(
    r"""(?P<ascii>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\b[A-Za-z0-9_]+\b)|\w+"""
)
_EVENT = re.compile(r"#@시스템#[가-힣A-Za-z0-9]{1,12}#|#@(?:시스템|URL|url|이모티콘|사진|동영상)#")
_ANONYMOUS = re.compile(r"#@([가-힣A-Za-z]+)[0-9]*#")
_PLACEHOLDERS = {"전번": "[전화번호]", "금융": "[계좌번호]"}


def render(text: str) -> str:
    """Turns the marks of AI Hub's anonymisation into what a reader expects.

    `#@이름#` becomes `[이름]`; what was no word (`#@시스템#사진#`, `#@URL#`) is removed.
    """
    if "#@" not in text:
        return text
    return _ANONYMOUS.sub(lambda mark: _PLACEHOLDERS.get(mark[1], f"[{mark[1]}]"), _EVENT.sub("", text))


def read(raw: RawFile, settings: SourceConfig) -> Iterator[Document | Drop]:
    """Reads documents: a string is one, a list of strings is one or several (`texts`), each list in a list is one."""
    number = 0
    for value in _joined(_values(raw, settings), raw, settings):
        yield value if isinstance(value, Drop) else Document(numbered(raw, number), settings.name, value)
        number += 1
    if not number:
        yield _nothing(raw, settings)


def _nothing(raw: RawFile, settings: SourceConfig) -> Drop:
    if raw.first:
        raise InputError(
            "{place}: `{expression}` matches no text in the first file. Its beginning is {beginning}. Set `text_field` of source `{source}` to a JMESPath expression.",
            place=raw.place,
            expression=_expression(settings),
            beginning=" ".join(raw.beginning.decode(errors="replace").split()),
            source=settings.name,
        )
    return Drop("no_text", raw.place)


def _joined(values: Iterator[str | list[str] | Drop], raw: RawFile, settings: SourceConfig) -> Iterator[str | Drop]:
    """Single strings are joined into one document, unless `texts` is `separate`."""
    gathered: list[str] = []
    size = 0
    for value in values:
        if isinstance(value, str) and settings.texts == "joined":
            size += len(value.encode(errors="replace"))
            if size <= settings.max_document_bytes:
                gathered.append(value)
            else:
                gathered.clear()
        else:
            yield _checked("\n".join(value) if isinstance(value, list) else value, raw, settings)
    if size > settings.max_document_bytes:
        yield Drop("too_large", raw.place)
    elif gathered:
        yield "\n".join(gathered)


def _checked(value: str | Drop, raw: RawFile, settings: SourceConfig) -> str | Drop:
    return Drop("too_large", raw.place) if isinstance(value, str) and too_large(value, settings) else value


def _values(raw: RawFile, settings: SourceConfig) -> Iterator[str | list[str] | Drop]:
    """What the expression finds: strings, and lists with the strings of each inner list."""
    expression = _expression(settings)
    leading = _LEADING_ARRAY.fullmatch(expression)
    if leading is None:
        yield from _in_whole(raw, settings, _compiled(expression, settings))
        return
    inside = _compiled(leading["rest"] or leading["more"] or "@", settings)
    key = leading["bare"] or leading["quoted"]
    for _, value in json_elements(raw.utf8(settings), key, settings.max_document_bytes, raw.place):
        yield from [value] if isinstance(value, Drop) else _strings(inside.search(value))


def _in_whole(raw: RawFile, settings: SourceConfig, expression: Any) -> Iterator[str | list[str] | Drop]:
    text = raw.text(settings)
    if isinstance(text, Drop):
        yield text
        return
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise Damaged(say("not readable as JSON: {error}", error=error)) from None
    found = expression.search(value)
    for item in found if isinstance(found, list) else [found]:
        yield from _strings(item)


def _strings(found: Any) -> Iterator[str | list[str]]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list) and (strings := list(_flat(found))):
        yield strings


def _flat(values: list[Any]) -> Iterator[str]:
    waiting = [*reversed(values)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += reversed(value)


def _expression(settings: SourceConfig) -> str:
    """The path with quotes around Korean keys: JMESPath wants `"문서"[]."본문"` for `문서[].본문`."""
    return _QUOTED_OR_WORD.sub(lambda word: word[0] if word["ascii"] else f'"{word[0]}"', settings.text_fields[0])


def _compiled(expression: str, settings: SourceConfig) -> Any:
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise InputError(
            "source `{source}`: `text_field: {expression}` is not a JMESPath expression: {error}",
            source=settings.name,
            expression=expression,
            error=" ".join(str(error).split()),
        ) from None


def check(settings: SourceConfig) -> None:
    """Raises InputError for an expression that is not JMESPath."""
    expression = _expression(settings)
    leading = _LEADING_ARRAY.fullmatch(expression)
    _compiled(expression if leading is None else leading["rest"] or leading["more"] or "@", settings)


SOURCE = Source("ai_hub", (), read, render, shared_suffixes=(".json",), check=check)
