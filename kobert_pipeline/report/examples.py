"""What the model writes where a sentence is masked: sentences of several genres, written for this page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses.fill_mask import Guess, fill
from tokenizer.train import ROLES

MASKED: tuple[tuple[str, str, str, str], ...] = (
    ("news", "정부는 내년도 예산안", "##을", " 국회에 제출했다."),
    ("news", "", "서울", " 시장은 기자 회견에서 새 정책을 발표했다."),
    ("encyclopedia", "대한민국의 수도", "##는", " 서울이다."),
    ("encyclopedia", "", "한국", " 전쟁은 1950년에 시작되었다."),
    ("petition", "피해자가 더 이상 나오", "##지", " 않도록 법을 고쳐 주세요."),
    ("petition", "국민 ", "청원", " 게시판에 처음으로 글을 올립니다."),
    ("review", "배우들의 연기", "##가", " 정말 훌륭했다."),
    ("review", "마지막 장면에서 ", "결국", " 울고 말았다."),
    ("everyday", "아침에 일어나서 물", "##을", " 한 잔 마셨다."),
    ("everyday", "날씨가 ", "너무", " 추워서 밖에 나가기 싫다."),
    ("law", "이 법은 공포한 날", "##부터", " 시행한다."),
    ("law", "피고는 원고", "##에게", " 손해를 배상하여야 한다."),
)
"""Genre, what stands before the mask, the piece that is masked, what stands behind it. A mask is one piece: the first of a
word, or (##) one that goes on within it."""


@dataclass(frozen=True)
class Example:
    genre: str
    before: str
    masked: str
    """As it was written, without ##."""
    after: str
    guesses: list[tuple[Guess, bool]]
    """The likeliest first, each with whether it is what was written."""

    @property
    def right(self) -> bool:
        return any(right for _, right in self.guesses)


def examples(model: Path | None) -> list[Example]:
    """The model's guesses. Empty without a model, and for one that fills no masks."""
    if model is None or not (model / "config.json").is_file():
        return []
    mask = ROLES["mask_token"]
    try:
        filled = fill(str(model), [f"{before}{mask}{after}" for _, before, _, after in MASKED])
    except InputError:
        return []
    return [
        Example(
            genre, before, written.removeprefix("##"), after, [(guess, guess.piece == written) for guess in found.masks[0]]
        )
        for (genre, before, written, after), found in zip(MASKED, filled, strict=True)
    ]  # fmt: skip
