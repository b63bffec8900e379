"""Sentence splitting by kss over MeCab. The only file that imports kss.

kss finds MeCab only through the variable MECABRC, set before its import; otherwise it falls silently to a backend that
is 300 times slower. It slows down more than linearly on long input, so it is given pieces of at most `MAX_CHARACTERS`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import re
from collections.abc import Callable, Iterator

from kobert_pipeline.errors import KobertError
from kobert_pipeline.morphology import mecabrc

MAX_CHARACTERS = 2_000
_END_OF_SENTENCE = re.compile(r"(?<=[.!?。…])\s+")
_SPACE = re.compile(r"\s+")


def split_sentences(text: str) -> list[str]:
    """Sentences of a cleaned text, in order. A line break always ends a sentence; no character but spaces is lost."""
    split = _splitter()
    sentences: list[str] = []
    for line in text.split("\n"):
        for piece in _pieces(line.strip()):
            sentences += _checked(piece, split(piece))
    return sentences


def _checked(piece: str, sentences: list[str]) -> list[str]:
    """kss's sentences, or the piece whole where kss changed the text."""
    kept = [sentence for sentence in (part.strip() for part in sentences) if sentence]
    same = _SPACE.sub("", "".join(kept)) == _SPACE.sub("", piece)
    return kept if same else [piece]


def _pieces(line: str) -> Iterator[str]:
    """The line, cut after sentence marks (else after a space, else anywhere) so that no piece is too long."""
    while len(line) > MAX_CHARACTERS:
        window = line[:MAX_CHARACTERS]
        ends = [match.end() for match in _END_OF_SENTENCE.finditer(window)]
        cut = ends[-1] if ends else window.rfind(" ") + 1 or MAX_CHARACTERS
        yield line[:cut].strip()
        line = line[cut:].strip()
    if line:
        yield line


@functools.cache
def _splitter() -> Callable[[str], list[str]]:
    os.environ["MECABRC"] = mecabrc()
    handlers, level = list(logging.root.handlers), logging.root.level
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        import kss
    # kss configures the root logger on import.
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("kss").setLevel(logging.ERROR)
    split = functools.partial(kss.split_sentences, backend="mecab", num_workers=1, strip=True)
    if not split("오늘은 날씨가 좋다. 내일도 좋겠다."):
        raise KobertError("kss cannot split sentences with MeCab. Run `kobert doctor`.")
    return split
