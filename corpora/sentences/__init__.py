"""Sentences of a text: `fast` by rules over one MeCab parse (the default), `kss` by kss.

A line break always ends a sentence. Sentences are slices of the text, so only the spaces between them are lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from corpora.sentences import fast_splitter, kss_splitter

Splitter = Literal["fast", "kss"]
SPLITTERS: MappingProxyType[Splitter, Callable[[str], Iterator[int]]] = MappingProxyType(
    {"fast": fast_splitter.sentence_ends, "kss": kss_splitter.sentence_ends}
)

MAX_CHARACTERS = 2_000
"""Longer lines are split part by part: parsers slow down, or need much memory, on very long input."""

_END_OF_SENTENCE = re.compile(r"(?<=[.!?。…])\s+")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def split_sentences(text: str, splitter: Splitter = "fast") -> list[str]:
    """Gives the sentences of a text, in order, without the spaces around them."""
    return [text[begin:end] for begin, end in sentence_spans(text, splitter)]


def sentence_spans(text: str, splitter: Splitter = "fast") -> list[tuple[int, int]]:
    """Gives (begin, end) of every sentence, as offsets into the text."""
    ends_of = SPLITTERS[splitter]
    spans = []
    for begin, end in _parts(text):
        part = _UNSAFE.sub("\ufffd", text[begin:end])
        bounds = [0, *ends_of(part), len(part)]
        spans += [_stripped(text, begin + left, begin + right) for left, right in pairwise(bounds)]
    return [(begin, end) for begin, end in spans if begin < end]


def paragraph_ends(text: str, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Says for each sentence whether a paragraph ends after it; `spans` come from `sentence_spans`.

    Where blank lines separate sentences, these end the paragraphs. A text without blank lines has a paragraph on each
    line. The last sentence always ends one.
    """
    breaks = [text.count("\n", end, begin) for (_, end), (begin, _) in pairwise(spans)]
    least = min(2, max(breaks, default=0)) or 1
    return [*(count >= least for count in breaks), *[True][: len(spans)]]


def _stripped(text: str, begin: int, end: int) -> tuple[int, int]:
    inner = text[begin:end]
    return begin + len(inner) - len(inner.lstrip()), end - (len(inner) - len(inner.rstrip()))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """The lines. Long ones are cut after sentence marks, else after a space, else anywhere."""
    begin = 0
    for line in text.splitlines(keepends=True):
        end = begin + len(line)
        while end - begin > MAX_CHARACTERS:
            cut = begin + _cut(text[begin : begin + MAX_CHARACTERS])
            yield begin, cut
            begin = cut
        yield _stripped(text, begin, end)
        begin = end


def _cut(window: str) -> int:
    ends = [match.end() for match in _END_OF_SENTENCE.finditer(window)]
    return ends[-1] if ends else window.rfind(" ") + 1 or len(window)
