"""`kobert inspect RECIPE tokens "문장"`: pieces in colour, compared with morphemes and with other tokenizers' pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

from kobert_pipeline.morphology.byte_level import readable
from kobert_pipeline.morphology.mecab import Morpheme, morphemes
from tokenizer.measure import first_letter
from tokenizer.train import ROLES

WORD, AGREED, EXTRA, UNKNOWN = "bold", "green", "red", "bold white on red"
LEGEND = Text.assemble(
    ("eojeol", WORD), " ", ("cut between morphemes", AGREED), " ", ("cut inside one", EXTRA), " ", ("unknown", UNKNOWN)
)


def view(tokenizers: Mapping[str, Tokenizer], sentence: str) -> Table:
    """Makes a table with a row per tokenizer: pieces, ids, cuts inside a morpheme, boundaries of morphemes without a
    cut."""
    text = unicodedata.normalize("NFC", sentence)
    parsed = morphemes(text)
    table = Table("", "pieces", "ids", "extra", "missed", caption=LEGEND, show_lines=True)
    table.add_row("morphemes", " ".join(f"{item.surface}/{item.tag}" for item in parsed), "", "", "")
    for name, tokenizer in tokenizers.items():
        encoding = tokenizer.encode(text, add_special_tokens=False)
        starts = [first_letter(text, start) for start, _ in encoding.offsets]
        extra, missed = disagreements(text, starts, parsed)
        ids = " ".join(map(str, encoding.ids))
        table.add_row(
            name,
            coloured(readable(tokenizer, encoding.tokens), starts, text, extra),
            ids,
            str(len(extra)),
            str(len(missed)),
        )
    return table


def disagreements(text: str, starts: Sequence[int], parsed: Sequence[Morpheme]) -> tuple[set[int], set[int]]:
    """Offsets at which a piece begins inside a morpheme, and at which a morpheme begins inside a piece."""
    eojeols = eojeol_starts(text)
    cuts, boundaries = set(starts) - eojeols, {item.start for item in parsed} - eojeols
    return cuts - boundaries, boundaries - cuts


def eojeol_starts(text: str) -> set[int]:
    return {match.start() for match in re.finditer(r"\S+", text)}


def coloured(pieces: Sequence[str], starts: Sequence[int], text: str, extra: set[int]) -> Text:
    eojeols = eojeol_starts(text)
    styled = Text()
    for piece, start in zip(pieces, starts, strict=True):
        styled.append(piece, _style(piece, start, eojeols, extra)).append(" ")
    return styled


def _style(piece: str, start: int, eojeols: set[int], extra: set[int]) -> str:
    if piece == ROLES["unk_token"]:
        return UNKNOWN
    if start in eojeols:
        return WORD
    return EXTRA if start in extra else AGREED
