"""Sensibleness and specificity average (Adiwardana et al. 2020, section 2.1): the sheet that people fill in, and what it comes to."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import atomic_path
from kobert_pipeline.ground.messages import say

GIVEN, ASKED = ("number", "context", "reply"), ("sensible", "specific")
YES, NO = (
    frozenset(["1", "y", "yes", "o", "true", "예", "네", "ㅇ"]),
    frozenset(["0", "n", "no", "x", "false", "아니요", "아니오", "ㄴ"]),
)
RESAMPLES, LEVEL = 10_000, 0.95

OPENINGS = (
    "안녕하세요. 요즘 어떻게 지내세요?",
    "오늘 점심은 뭐 드셨어요?",
    "주말에 비가 온다는데 우산은 챙기셨나요?",
    "혹시 재미있게 본 영화가 있으면 추천해 주세요.",
    "어제 축구 경기 보셨어요?",
    "강아지를 키우고 싶은데 무엇부터 준비해야 할까요?",
    "시험이 내일인데 공부를 하나도 못 했어요.",
    "부산에 처음 가는데 어디를 가 보면 좋을까요?",
    "요리를 배우고 싶은데 쉬운 음식이 있을까요?",
    "회사에서 실수를 해서 기분이 안 좋아요.",
    "이 근처에 조용한 카페가 있나요?",
    "운동을 시작하려는데 헬스가 나을까요, 수영이 나을까요?",
    "생일 선물로 무엇을 받고 싶으세요?",
    "버스를 놓쳐서 약속에 늦을 것 같아요.",
    "아이가 밤에 잠을 안 자서 걱정이에요.",
    "컴퓨터가 갑자기 느려졌는데 왜 그럴까요?",
    "김치찌개를 끓일 때 돼지고기를 먼저 볶나요?",
    "가을에 읽기 좋은 책이 있을까요?",
    "이사를 하게 됐는데 짐이 너무 많아요.",
    "꿈이 뭐예요?",
)
"""Beginnings of dialogues, written for this sheet."""


class Share(NamedTuple):
    """A share of the replies, and its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return say("{value:.1%} ({low:.1%} to {high:.1%})", value=self.value, low=self.low, high=self.high)


@dataclass(frozen=True)
class Ssa:
    sensible: Share
    specific: Share
    average: Share
    replies: int
    raters: int
    agreement: float
    """Share of the replies for which all raters gave the same two answers."""
    corrected: int
    """Answers "specific" for a reply that is not sensible: they count as not specific, as in the paper."""

    def lines(self) -> list[str]:
        """What is printed."""
        counted = say("1 rater") if self.raters == 1 else say("{count} raters", count=self.raters)
        found = [
            say("sensible  {share}", share=self.sensible),
            say("specific  {share}", share=self.specific),
            f"SSA       {self.average}",
            say(
                "{replies:,} replies, {raters}; intervals of {level:.0%}, over replies",
                replies=self.replies,
                raters=counted,
                level=LEVEL,
            ),
        ]
        if self.raters > 1:
            found.append(say("all raters agree on {share:.0%} of the replies", share=self.agreement))
        if self.corrected:
            found.append(
                say("{count:,} answers: specific but not sensible, counted as not specific", count=self.corrected)
            )
        return found


def write_sheet(path: Path, contexts: Sequence[Sequence[str]], reply: Callable[[Sequence[str], int], str]) -> None:
    """A row for each context with the model's reply, to be rated. `reply`: (turns, seed) -> text. Excel reads it as UTF-8."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*GIVEN, *ASKED])
        for number, context in enumerate(contexts, start=1):
            writer.writerow([number, "\n".join(context), reply(context, number), "", ""])


def read_contexts(path: Path) -> list[list[str]]:
    """Dialogues with a turn a line, and a blank line between them. Raises InputError for a file without any."""
    text = _text(path).replace("\r\n", "\n")
    found = [[line.strip() for line in part.split("\n") if line.strip()] for part in text.split("\n\n")]
    if not any(found):
        raise InputError("{path}: no dialogue. Write a turn a line, and a blank line between dialogues.", path=path)
    return [context for context in found if context]


def ssa(paths: Sequence[Path]) -> Ssa:
    """Of one or more sheets of the same replies, each filled in by one rater. A reply is sensible, or specific, if most raters say so.

    Raises InputError for a sheet with a row that is not rated, and for sheets of different replies.
    """
    sheets = [_sheet(path) for path in paths]
    for path, (replies, _) in zip(paths, sheets, strict=True):
        if replies != sheets[0][0]:
            raise InputError(
                "{path}: rates other replies than {first}. Give sheets of the same replies, or one at a time.",
                path=path,
                first=paths[0],
            )
    answers = np.array([answers for _, answers in sheets])
    """(raters, replies, 2) bool"""
    corrected = int((~answers[..., 0] & answers[..., 1]).sum())
    answers[..., 1] &= answers[..., 0]
    most = 2 * answers.sum(axis=0) > len(answers)
    agreement = float((answers == answers[0]).all(axis=(0, 2)).mean())
    sensible, specific = most.T.astype(float)
    average = _share((sensible + specific) / 2)
    return Ssa(_share(sensible), _share(specific), average, len(most), len(answers), agreement, corrected)


def _share(values: np.ndarray) -> Share:
    """With the percentiles of the mean over replies drawn with replacement (Efron 1979)."""
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Share(float(values.mean()), float(low), float(high))


def _sheet(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[bool, bool]]]:
    """What was rated, and the answers."""
    reader = csv.DictReader(_text(path).splitlines(keepends=True))
    missing = {*GIVEN, *ASKED} - set(reader.fieldnames or ())
    if missing:
        raise InputError(
            "{path}: no column {missing}. `kobert chat MODEL --sheet FILE` writes such a sheet.",
            path=path,
            missing=", ".join(sorted(missing)),
        )
    rows = list(reader)
    if not rows:
        raise InputError("{path}: no rows.", path=path)
    replies = [tuple(_one_line(row[name]) for name in GIVEN) for row in rows]
    return replies, [_answers(row, path, number) for number, row in enumerate(rows, start=2)]


def _one_line(cell: str | None) -> str:
    """Programs change line breaks inside a cell."""
    return " ".join((cell or "").split())


def _answers(row: dict[str, Any], path: Path, number: int) -> tuple[bool, bool]:
    sensible, specific = (_answer(row[name], f"{path}, row {number}: {name}") for name in ASKED)
    return sensible, specific


def _answer(cell: str | None, place: str) -> bool:
    word = (cell or "").strip().lower()
    if word not in YES | NO:
        raise InputError("{place} is {word!r}; write 1 or 0 in every row.", place=place, word=word)
    return word in YES


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("{path}: no such file.", path=path) from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise InputError("{path}: not a text file in UTF-8. Save it as CSV UTF-8.", path=path) from None
