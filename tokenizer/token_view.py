"""`kobert inspect RECIPE tokens "문장"`: pieces in colour, compared with morphemes and with other tokenizers' pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Group
from rich.padding import Padding
from rich.text import Text
from tokenizers import Tokenizer

from kobert_pipeline.morphology.byte_level import readable
from kobert_pipeline.morphology.mecab import Morpheme, morphemes
from tokenizer.measure import first_letter
from tokenizer.train import ROLES

Cut = Literal["eojeol", "between", "inside", "unknown"]
"""Where a piece begins: at the beginning of an eojeol, between two morphemes, inside one. Or it is unknown."""
STYLES: Mapping[Cut, tuple[str, str]] = {
    "eojeol": ("", "bold"), "between": ("", "green"), "inside": ("!", "red"), "unknown": ("?", "bold white on red"),
}  # fmt: skip
"""The sign before a piece, for readers without colour, and its style."""
COLUMNS = ("tokenizer", "piece", "id", "start", "end", "cut")
MORPHEMES = "morphemes"


@dataclass(frozen=True)
class Cutting:
    """A sentence in the pieces of one tokenizer."""

    name: str
    pieces: Sequence[str]
    ids: Sequence[int]
    spans: Sequence[tuple[int, int]]
    """Characters of the sentence in NFC."""
    cuts: Sequence[Cut]
    missed: int
    """Boundaries of morphemes without a cut."""


def cuttings(tokenizers: Mapping[str, Tokenizer], sentence: str) -> list[Cutting]:
    text = unicodedata.normalize("NFC", sentence)
    parsed = morphemes(text)
    return [_cutting(name, tokenizer, text, parsed) for name, tokenizer in tokenizers.items()]


def _cutting(name: str, tokenizer: Tokenizer, text: str, parsed: Sequence[Morpheme]) -> Cutting:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    spans = [(first_letter(text, start), end) for start, end in encoding.offsets]
    starts = [start for start, _ in spans]
    extra, missed = disagreements(text, starts, parsed)
    eojeols, pieces = eojeol_starts(text), readable(tokenizer, encoding.tokens)
    cuts = [_cut(piece, start, eojeols, extra) for piece, start in zip(pieces, starts, strict=True)]
    return Cutting(name, pieces, encoding.ids, spans, cuts, len(missed))


def _cut(piece: str, start: int, eojeols: set[int], extra: set[int]) -> Cut:
    if piece == ROLES["unk_token"]:
        return "unknown"
    return "eojeol" if start in eojeols else "inside" if start in extra else "between"


def view(tokenizers: Mapping[str, Tokenizer], sentence: str) -> Group:
    """For a terminal: the morphemes, then for each tokenizer its pieces and ids. Lines end between pieces."""
    parsed = morphemes(unicodedata.normalize("NFC", sentence))
    blocks = [_block(MORPHEMES, Text(" ".join(f"{item.surface}/{item.tag}" for item in parsed)))]
    for each in cuttings(tokenizers, sentence):
        extra = sum(cut == "inside" for cut in each.cuts)
        figures = f"{len(each.pieces)} pieces; cuts inside a morpheme: {extra}; boundaries without a cut: {each.missed}"
        blocks.append(_block(f"{each.name}: {figures}", coloured(each), Text(" ".join(map(str, each.ids)), "dim")))
    return Group(*blocks, legend())


def _block(title: str, *lines: Text) -> Group:
    return Group(Text(title, "bold"), *(Padding(line, (0, 0, 0, 2)) for line in lines), Text())


def coloured(cutting: Cutting) -> Text:
    """The pieces, each with its sign and style."""
    styled = Text()
    for piece, cut in zip(cutting.pieces, cutting.cuts, strict=True):
        sign, style = STYLES[cut]
        styled.append(f"{sign}{piece}", style).append(" ")
    styled.rstrip()
    return styled


def legend() -> Text:
    """In words and signs, so that it can be read without colour."""
    words: Mapping[Cut, str] = {
        "eojeol": "a new eojeol", "between": "## cut between morphemes", "inside": "## cut inside a morpheme", "unknown": "unknown",
    }  # fmt: skip
    return Text(", ").join(Text(f"{STYLES[cut][0]}{shown}", STYLES[cut][1]) for cut, shown in words.items())


def rows(tokenizers: Mapping[str, Tokenizer], sentence: str) -> Iterator[tuple[str, ...]]:
    """For a pipe: a row for each morpheme and each piece, under COLUMNS. The `id` of a morpheme is its part of speech."""
    yield COLUMNS
    for item in morphemes(unicodedata.normalize("NFC", sentence)):
        yield MORPHEMES, item.surface, item.tag, str(item.start), str(item.start + len(item.surface)), ""
    for each in cuttings(tokenizers, sentence):
        for piece, number, (start, end), cut in zip(each.pieces, each.ids, each.spans, each.cuts, strict=True):
            yield each.name, piece, str(number), str(start), str(end), cut


def disagreements(text: str, starts: Sequence[int], parsed: Sequence[Morpheme]) -> tuple[set[int], set[int]]:
    """Offsets at which a piece begins inside a morpheme, and at which a morpheme begins inside a piece."""
    eojeols = eojeol_starts(text)
    cuts, boundaries = set(starts) - eojeols, {item.start for item in parsed} - eojeols
    return cuts - boundaries, boundaries - cuts


def eojeol_starts(text: str) -> set[int]:
    return {match.start() for match in re.finditer(r"\S+", text)}
