"""Sentences cut into pieces, each coloured by the morpheme it belongs to: that of its first character."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.files import read_json
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from kobert_pipeline.morphology.mecab import morphemes
from tokenizer.load import GOLDEN, load_tokenizer
from tokenizer.token_view import disagreements, eojeol_starts
from tokenizer.train import ROLES

SENTENCES = (
    "대한민국의 수도는 서울이다.",
    "할머니께서 들려주시던 옛날이야기가 아직도 귓가에 맴돈다.",
    "올해 매출은 3,200억 원으로 지난해보다 8.2% 늘었습니다.",
    "스마트폰으로 QR코드를 찍으면 바로 결제된다.",
    "이 영화 진짜 재밌더라 ㅋㅋ 또 보고 싶어요!",
    "법원은 손해배상청구소송에서 원고의 손을 들어주었다.",
)
"""Written for this page: they may be published, whatever the corpus is."""
EXAMPLES = 3
"""Sentences of the corpus, in the edition that stays here."""

KINDS = (
    ("noun", "noun", ("N", "XR")),
    ("verb", "verb, adjective", ("V", "XSV", "XSA")),
    ("particle", "particle", ("J",)),
    ("ending", "ending", ("E",)),
    ("modifier", "modifier, adverb", ("MM", "MA", "IC")),
    ("other", "sign, number, affix", ("",)),
)
"""Class, what it is called, and how Sejong tags of its kind begin; the first that fits."""


@dataclass(frozen=True)
class Cut:
    piece: str
    kind: str
    """A class of KINDS, or `unknown`."""
    tag: str
    """Sejong part of speech; empty where the piece only goes on with the morpheme of the one before."""
    inside: bool
    """Begins within a morpheme."""


@dataclass(frozen=True)
class Sentence:
    text: str
    eojeols: list[list[Cut]]
    morphemes: list[tuple[str, str, str]]
    """Surface, part of speech, class."""
    inside: int
    """Cuts within a morpheme."""
    swallowed: int
    """Boundaries of morphemes without a cut."""
    own: bool
    """Written for this page, not from the corpus."""

    @property
    def pieces(self) -> int:
        return sum(map(len, self.eojeols))


def sentences(folder: Path | None, *, public: bool) -> list[Sentence]:
    """SENTENCES as this tokenizer cuts them, and unless `public` some of the corpus. Empty without a tokenizer."""
    if folder is None or not (folder / "tokenizer.json").is_file():
        return []
    tokenizer = load_tokenizer(folder, check=False)
    quoted = [] if public else _quoted(folder)
    return [cut(tokenizer, text, own=True) for text in SENTENCES] + [cut(tokenizer, text, own=False) for text in quoted]


def _quoted(folder: Path) -> list[str]:
    """Sentences of the golden file that have something to cut."""
    texts = [entry["text"] for entry in read_json(folder / GOLDEN)] if (folder / GOLDEN).is_file() else []
    return [text for text in texts if 12 <= len(text) <= 90 and "\n" not in text][:EXAMPLES]


def cut(tokenizer: Any, text: str, *, own: bool) -> Sentence:
    text = unicodedata.normalize("NFC", text)
    found = morphemes(text)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    starts = [start for start, _ in encoding.offsets]
    inside, swallowed = disagreements(text, starts, found)
    heads = sorted(eojeol_starts(text))
    eojeols: list[list[Cut]] = [[] for _ in heads]
    begins, last = [item.start for item in found], -1
    for piece, start in zip(encoding.tokens, starts, strict=True):
        number = bisect_right(begins, start) - 1
        tag = found[number].tag if number >= 0 else ""
        kind = "unknown" if piece == ROLES["unk_token"] else kind_of(tag)
        eojeols[bisect_right(heads, start) - 1].append(Cut(piece, kind, tag if number != last else "", start in inside))
        last = number
    return Sentence(
        text,
        [pieces for pieces in eojeols if pieces],
        [(item.surface, item.tag, kind_of(item.tag)) for item in found],
        len(inside),
        len(swallowed),
        own,
    )


def kind_of(tag: str) -> str:
    """Of a contraction (`VV+EP`), that of its first part."""
    return next(kind for kind, _, beginnings in KINDS if tag.startswith(beginnings))


def vocabulary(folder: Path | None) -> dict[str, Any] | None:
    """For the page's own tokenizer: `pieces`, one a line in id order, and those `added` that are matched before any other.

    None for a tokenizer that needs MeCab, which no page has."""
    if (
        folder is None
        or cuts_at_use(folder)
        or not (folder / "tokenizer.json").is_file()
        or not (folder / "vocab.txt").is_file()
    ):
        return None
    added = [token["content"] for token in read_json(folder / "tokenizer.json")["added_tokens"]]
    return {"pieces": (folder / "vocab.txt").read_text(encoding="utf-8").rstrip("\n"), "added": added}
