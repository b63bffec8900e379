"""`kobert inspect RECIPE tokens "문장"`: pieces in colour beside morphemes, and beside other tokenizers' pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

from kobert_pipeline.morphology.mecab import Morpheme, morphemes
from tokenizer.train import ROLES

WORD, AGREED, EXTRA, UNKNOWN = "bold", "green", "red", "bold white on red"
LEGEND = Text.assemble(
    ("eojeol", WORD), " ", ("cut between morphemes", AGREED), " ", ("cut inside one", EXTRA), " ", ("unknown", UNKNOWN)
)


def view(tokenizers: Mapping[str, Tokenizer], sentence: str) -> Table:
    """A row a tokenizer: pieces, ids, cuts inside a morpheme, boundaries of morphemes without a cut."""
    text = unicodedata.normalize("NFC", sentence)
    found = morphemes(text)
    table = Table("", "pieces", "ids", "extra", "missed", caption=LEGEND, show_lines=True)
    table.add_row("morphemes", " ".join(f"{item.surface}/{item.tag}" for item in found), "", "", "")
    for name, tokenizer in tokenizers.items():
        encoding = tokenizer.encode(text, add_special_tokens=False)
        starts = [start for start, _ in encoding.offsets]
        extra, missed = disagreements(text, starts, found)
        ids = " ".join(map(str, encoding.ids))
        table.add_row(name, coloured(encoding.tokens, starts, text, extra), ids, str(len(extra)), str(len(missed)))
    return table


def disagreements(text: str, starts: Sequence[int], found: Sequence[Morpheme]) -> tuple[set[int], set[int]]:
    """Offsets at which a piece begins inside a morpheme, and at which a morpheme begins inside a piece."""
    eojeols = eojeol_starts(text)
    cuts, boundaries = set(starts) - eojeols, {item.start for item in found} - eojeols
    return cuts - boundaries, boundaries - cuts


def eojeol_starts(text: str) -> set[int]:
    return {match.start() for match in re.finditer(r"\S+", text)}


def coloured(pieces: Sequence[str], starts: Sequence[int], text: str, extra: set[int]) -> Text:
    eojeols = eojeol_starts(text)
    styled = Text()
    for piece, start in zip(pieces, starts, strict=True):
        style = (
            UNKNOWN
            if piece == ROLES["unk_token"]
            else WORD
            if start in eojeols
            else EXTRA
            if start in extra
            else AGREED
        )
        styled.append(piece, style).append(" ")
    return styled
