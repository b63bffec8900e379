"""Sentences split into pieces, each coloured by its morpheme: the one that its first character belongs to."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder, read_golden
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from kobert_pipeline.morphology.byte_level import readable
from kobert_pipeline.morphology.mecab import morphemes
from tokenizer.load import load_tokenizer
from tokenizer.measure import first_letter
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
"""Sentences of the corpus, in the edition that is not published."""

KINDS = (
    ("noun", "noun", ("N", "XR")),
    ("verb", "verb, adjective", ("V", "XSV", "XSA")),
    ("particle", "particle", ("J",)),
    ("ending", "ending", ("E",)),
    ("modifier", "modifier, adverb", ("MM", "MA", "IC")),
    ("other", "punctuation, number, affix", ("",)),
)
"""Class, its name on the page, and the beginnings of its Sejong tags. The first class that fits counts."""


@dataclass(frozen=True)
class Cut:
    piece: str
    kind: str
    """A class of KINDS, or `unknown`."""
    tag: str
    """Sejong part of speech; empty where the piece continues the morpheme of the piece before."""
    inside: bool
    """Begins inside a morpheme."""


@dataclass(frozen=True)
class Sentence:
    text: str
    eojeols: list[list[Cut]]
    morphemes: list[tuple[str, str, str]]
    """Surface, part of speech, class."""
    inside: int
    """Cuts inside a morpheme."""
    swallowed: int
    """Morpheme boundaries without a cut."""
    own: bool
    """Written for this page, not from the corpus."""

    @property
    def pieces(self) -> int:
        return sum(map(len, self.eojeols))


def sentences(found: TokenizerFolder | None, *, public: bool) -> list[Sentence]:
    """SENTENCES as this tokenizer splits them and, unless `public`, some of the corpus. Empty without a tokenizer."""
    if found is None or found.tokenizer_file is None:
        return []
    tokenizer = load_tokenizer(found.folder, check=False)
    quoted = [] if public else _quoted(found.golden)
    return [cut(tokenizer, text, own=True) for text in SENTENCES] + [cut(tokenizer, text, own=False) for text in quoted]


def _quoted(golden: Path) -> list[str]:
    """Sentences of the golden file that are neither short nor long."""
    texts = [text for text, _ in read_golden(golden)] if golden.is_file() else []
    return [text for text in texts if 12 <= len(text) <= 90 and "\n" not in text][:EXAMPLES]


def cut(tokenizer: Any, text: str, *, own: bool) -> Sentence:
    text = unicodedata.normalize("NFC", text)
    found = morphemes(text)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    starts = [first_letter(text, start) for start, _ in encoding.offsets]
    inside, swallowed = disagreements(text, starts, found)
    heads = sorted(eojeol_starts(text))
    eojeols: list[list[Cut]] = [[] for _ in heads]
    begins, last = [item.start for item in found], -1
    for piece, start in zip(readable(tokenizer, encoding.tokens), starts, strict=True):
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
    """The class in KINDS of a tag. A contraction (`VV+EP`) has that of its first part."""
    return next(kind for kind, _, beginnings in KINDS if tag.startswith(beginnings))


def vocabulary(found: TokenizerFolder | None) -> dict[str, Any] | None:
    """For the tokenizer in the page's script: `pieces`, one per line in the order of ids, and the `added` ones, which are
    matched before any other.

    None for a tokenizer that needs MeCab, which does not run in a page."""
    if found is None or cuts_at_use(found.folder) or found.tokenizer_file is None or found.vocabulary_file is None:
        return None
    added = [token["content"] for token in read_json(found.tokenizer_file)["added_tokens"]]
    return {"pieces": found.vocabulary_file.read_text(encoding="utf-8").rstrip("\n"), "added": added}
