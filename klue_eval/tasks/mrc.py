"""MRC, reading comprehension: a question and a context -> a span of the context, or nothing.

Long contexts are read in overlapping windows (Devlin et al. 2019, section 4.2). A span at [CLS] means that the question
has no answer (section 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from klue_eval.layouts import questions
from klue_eval.metrics import METRICS
from klue_eval.metrics.mrc_metrics import gold_texts
from klue_eval.task import KlueTask, TaskSettings, text_field
from klue_eval.token_reader import Reader, Token
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue


class MrcSettings(TaskSettings):
    stride: int = Field(128, ge=1)
    """Tokens from the start of a window to the start of the next."""
    max_question: int = Field(64, ge=1)
    """Most tokens of a question."""
    n_best: int = Field(20, ge=1)
    """Number of candidates for each end of an answer, in each window."""
    max_answer: int = Field(30, ge=1)
    """Most tokens of an answer."""


def read(record: Mapping[str, Any]) -> Row | None:
    """The JSON lists answers as objects, the Hub's copy as two lists. None if `answers` is withheld."""
    answers = record["answers"]
    if answers is None:
        return None
    if isinstance(answers, Mapping):
        pairs = zip(answers["text"], answers["answer_start"], strict=True)
        answers = [{"text": text, "answer_start": start} for text, start in pairs]
    context, impossible = text_field(record, "context"), bool(record.get("is_impossible", False))
    answers = [] if impossible else [_answer(answer, context) for answer in answers]
    if not answers and not impossible:
        raise WrongValue("`answers` is empty, though the question is not marked `is_impossible`")
    kept = ("title", "question_type", "news_category", "source", "plausible_answers")
    return {
        "guid": record["guid"],
        "context": context,
        "question": text_field(record, "question"),
        "answers": answers,
        "is_impossible": impossible,
        **{name: record[name] for name in kept if name in record},
    }


def _answer(answer: Mapping[str, Any], context: str) -> dict[str, Any]:
    text, start = text_field(answer, "text"), int(answer["answer_start"])
    if start < 0 or context[start : start + len(text)] != text:
        there = context[max(start, 0) : max(start, 0) + len(text)]
        raise WrongValue(
            "the answer {text!r} is not at character {start} of the context, which has {there!r} there",
            text=text,
            start=start,
            there=there,
        )
    return {"text": text, "answer_start": start}


@dataclass(frozen=True)
class Window:
    """The part of the context that an example shows."""

    tokens: Sequence[Token]
    first: int
    """Position of the first of them in the example."""
    widest: Sequence[bool]
    """[tokens] whether this is the window in which the token has most context on its narrower side."""
    settings: MrcSettings


def encode(row: Row, reader: Reader, settings: MrcSettings) -> list[Example]:
    """`target`: positions of the first and last token of the first gold answer; [CLS] twice if it is outside."""
    whole = reader.ids(row["question"])
    question = whole[: min(settings.max_question, reader.pair_room // 2)]
    tokens = reader.tokens(row["context"])
    spans = list(windows(len(tokens), reader.pair_room - len(question), settings.stride))
    first, around = reader.pair_start(question), reader.max_length - reader.pair_room + len(question)
    examples = []
    for start, end in spans:
        widest = [_widest(spans, place) == (start, end) for place in range(start, end)]
        examples.append(
            reader.pair_example(
                question,
                [token.id for token in tokens[start:end]],
                target=_target(row, tokens[start:end], first, reader.cls_of(around + end - start)),
                memo=Window(tokens[start:end], first, widest, settings),
                truncated=len(question) < len(whole),
            )
        )
    return examples


def windows(length: int, room: int, stride: int) -> Iterator[tuple[int, int]]:
    """[start, end) of windows of `room` tokens that cover `length`, `stride` apart.

    If a window is not longer than the stride, they are half a window apart, so that they overlap.
    """
    step = stride if stride < room else max(1, room // 2)
    start = 0
    yield 0, min(room, length)
    while start + room < length:
        start += step
        yield start, min(start + room, length)


def _widest(spans: Sequence[tuple[int, int]], place: int) -> tuple[int, int]:
    """The first window in which the token has most context: that of its smaller side, plus a little for the length."""
    inside = [span for span in spans if span[0] <= place < span[1]]
    return max(inside, key=lambda span: min(place - span[0], span[1] - 1 - place) + 0.01 * (span[1] - span[0]))


def _target(row: Row, tokens: Sequence[Token], first: int, cls: int) -> tuple[int, int]:
    if not row["answers"]:
        return cls, cls
    start = row["answers"][0]["answer_start"]
    end = start + len(row["answers"][0]["text"])
    inside = [place for place, token in enumerate(tokens) if token.start < end and token.end > start]
    whole = inside and tokens[inside[0]].start <= start and tokens[inside[-1]].end >= end
    return (first + inside[0], first + inside[-1]) if whole else (cls, cls)


def decode(answers: Sequence[Answer], row: Row) -> str:
    """The best span of all windows; empty if the lowest score of "no answer" in any window is higher."""
    spans = candidates(answers, row)
    nothing = min(_no_answer(answer) for answer in answers)
    return spans[0][1] if spans and spans[0][0] >= nothing else ""


def _no_answer(answer: Answer) -> float:
    cls = answer.example.cls
    return float(answer.values["start"][cls] + answer.values["end"][cls])


def candidates(answers: Sequence[Answer], row: Row) -> list[tuple[float, str]]:
    """The n-best list: (score, text) of the spans of all windows, best first. Equal texts are listed once."""
    spans = sorted((span for answer in answers for span in _spans(answer)), reverse=True)
    best: dict[str, float] = {}
    for score, start, end in spans:
        best.setdefault(row["context"][start:end], score)
    limit = answers[0].example.memo.settings.n_best
    return [(score, text) for text, score in best.items()][:limit]


def _spans(answer: Answer) -> Iterator[tuple[float, int, int]]:
    """(score, first character, the one after the last) of every span that a window proposes."""
    window: Window = answer.example.memo
    inside = slice(window.first, window.first + len(window.tokens))
    starts, ends = answer.values["start"][inside], answer.values["end"][inside]
    limit = window.settings.n_best
    for start in starts.argsort()[::-1][:limit]:
        if not window.widest[start]:
            continue
        for end in ends.argsort()[::-1][:limit]:
            if start <= end < start + window.settings.max_answer:
                score = float(starts[start] + ends[end])
                yield score, window.tokens[start].start, window.tokens[end].end


def gold(row: Row) -> str:
    return gold_texts(row)[0]


def show(row: Row) -> dict[str, str]:
    return {"question": row["question"], "context": row["context"]}


NOTHING = "답 없음"


def as_text(row: Row) -> tuple[str, str]:
    """A context that is too long is cut at its end; such a row is counted as truncated."""
    return f"질문: {row['question']} 본문: {row['context']}", gold(row) or NOTHING


def parse(text: str, row: Row) -> str:
    written = text.strip()
    return "" if written == NOTHING else written


TASK = KlueTask(
    name="mrc",
    version=1,
    title="MRC",
    dataset="KLUE-MRC v1.1: 17,554 train and 5,841 dev questions, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.7",
    labels=(),
    read=read,
    encode=encode,
    head="span",
    decode=decode,
    gold=gold,
    show=show,
    as_text=as_text,
    parse=parse,
    metrics=METRICS["mrc"],
    primary_metric="rouge_w",
    defaults=MrcSettings(learning_rate=3e-5, batch_size=16, epochs=5, warmup_share=0.0, max_length=510),
    sizes={"train": 17_554, "dev": 5_841},
    layouts={".json": questions},
)
