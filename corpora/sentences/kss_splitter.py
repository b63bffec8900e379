"""Sentence splitting by kss over MeCab. The only file that imports kss.

kss finds MeCab only through the variable MECABRC, set before its import; otherwise it silently uses a backend that is
300 times slower. It slows down more than linearly on long input, so it gets parts of at most `MAX_CHARACTERS`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
from collections.abc import Callable, Iterator

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.morphology.mecab import mecabrc


def sentence_ends(line: str) -> Iterator[int]:
    """Gives the offsets into the line at which kss ends one sentence and begins another, in order.

    If kss changed the text, the line is not split.
    """
    position = 0
    ends = []
    for sentence in _splitter()(line):
        for word in sentence.split():
            position = line.find(word, position)
            if position < 0:
                return
            position += len(word)
        ends.append(position)
    yield from ends[:-1]


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
