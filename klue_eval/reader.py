"""The tokenizer as the tasks see it: text -> tokens, and tokens -> the example that a model gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from klue_eval.values import Example, Row, Texts

_NO_LETTER = re.compile(r"(?<!\S)[^\w\s]+(?!\S)")


@dataclass(frozen=True)
class Token:
    id: int
    text: str
    start: int
    """In characters of the text; leading spaces, which some tokenizers count to a token, are left out."""
    end: int


@dataclass(frozen=True)
class _PairTemplate:
    """[CLS] A [SEP] B [SEP]: what stands between the segments and behind them, and where segment 1 begins."""

    middle: list[int]
    suffix: list[int]
    second_type: int
    """1 for BERT; 0 where both segments are of one type."""

    def types(self, front: int, back: int) -> list[int]:
        """[L]: everything before the second segment is of type 0."""
        return [0] * front + [self.second_type] * back


class Reader:
    """A fast tokenizer with a limit on the tokens of one example.

    Special tokens around a segment are the tokenizer's own: [CLS] A [SEP] B [SEP], <s> A </s></s> B </s>, and so on.
    """

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_padding()
        self._backend.no_truncation()
        single = self._backend.encode("가")
        inside = [position for position, special in enumerate(single.special_tokens_mask) if not special]
        self.prefix: list[int] = single.ids[: inside[0]]
        """Special tokens before the first segment."""
        self.suffix: list[int] = single.ids[inside[-1] + 1 :]
        """Special tokens behind the last segment."""
        self._pair = self._pair_template()
        self._special = frozenset(tokenizer.all_special_ids)
        self.continuation: str = getattr(self._backend.model, "continuing_subword_prefix", None) or ""
        """What marks a token inside a word: `##` of WordPiece, nothing for tokenizers that mark its beginning."""

    @property
    def unknown(self) -> int | None:
        """Id of [UNK]; None for tokenizers that know every byte."""
        return self.tokenizer.unk_token_id  # type: ignore[no-any-return]

    @property
    def separator(self) -> list[int]:
        """What parts the turns of a dialogue: the special token that ends a segment."""
        return self.suffix[-1:]

    @property
    def room(self) -> int:
        """Tokens of a single segment beside its special tokens."""
        return self.max_length - len(self.prefix) - len(self.suffix)

    @property
    def pair_room(self) -> int:
        """Tokens of two segments together beside their special tokens."""
        return self.max_length - len(self.prefix) - len(self._pair.middle) - len(self._pair.suffix)

    def tokens(self, text: str) -> list[Token]:
        """Without special tokens and without limit."""
        found = self._backend.encode(text, add_special_tokens=False)
        return [
            Token(number, token, start + len(text[start:end]) - len(text[start:end].lstrip()), end)
            for number, token, (start, end) in zip(found.ids, found.tokens, found.offsets, strict=True)
        ]

    def unread(self, text: str) -> list[str]:
        """Eojeols that the tokenizer turns into nothing: zero-width and control characters standing alone.

        One that holds a letter or a digit always leaves a token, [UNK] at least; only the others are looked at.
        """
        suspects = list(_NO_LETTER.finditer(text))
        if not suspects:
            return []
        spans = self._backend.encode(text, add_special_tokens=False).offsets
        return [
            found[0]
            for found in suspects
            if not any(start < found.end() and end > found.start() for start, end in spans)
        ]

    def ids(self, text: str) -> list[int]:
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def id_of(self, token: str) -> int | None:
        """The id of a token by its string, [UNK]'s where the vocabulary has none."""
        found = self._backend.token_to_id(token)
        return self.unknown if found is None else int(found)

    def text_of(self, ids: Sequence[int]) -> str:
        """Tokens up to the first special token, joined as the tokenizer joins them."""
        stop = next((place for place, number in enumerate(ids) if number in self._special), len(ids))
        return str(self.tokenizer.decode(list(ids[:stop]), clean_up_tokenization_spaces=False))

    def example(self, ids: Sequence[int], **rest: Any) -> Example:
        """One segment in its special tokens, cut behind `room` tokens."""
        kept = [*self.prefix, *ids[: self.room], *self.suffix]
        return Example(kept, [0] * len(kept), truncated=rest.pop("truncated", len(ids) > self.room), **rest)

    def pair_example(self, first: Sequence[int], second: Sequence[int], **rest: Any) -> Example:
        """Two segments that fit together, in their special tokens."""
        front = [*self.prefix, *first, *self._pair.middle]
        back = [*second, *self._pair.suffix]
        return Example([*front, *back], self._pair.types(len(front), len(back)), **rest)

    def pair_start(self, first: Sequence[int]) -> int:
        """Where the second segment begins in a `pair_example`."""
        return len(self.prefix) + len(first) + len(self._pair.middle)

    def texts_example(self, texts: Texts) -> Example:
        """One or two texts; of two, tokens are cut from the end of the longer one."""
        if texts.pair is None:
            return self.example(self.ids(texts.text), target=texts.target)
        first, second = self.ids(texts.text), self.ids(texts.pair)
        kept_first, kept_second = _longest_first(len(first), len(second), self.pair_room)
        truncated = (kept_first, kept_second) != (len(first), len(second))
        return self.pair_example(first[:kept_first], second[:kept_second], target=texts.target, truncated=truncated)

    def _pair_template(self) -> _PairTemplate:
        found = self._backend.encode("가", "나")
        inside = [position for position, special in enumerate(found.special_tokens_mask) if not special]
        second = found.sequence_ids.index(1)
        before = max(position for position in inside if position < second)
        return _PairTemplate(
            middle=found.ids[before + 1 : second],
            suffix=found.ids[inside[-1] + 1 :],
            second_type=found.type_ids[second],
        )


def _longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Lengths after taking tokens off the longer segment, one at a time, until both fit."""
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


def encode_texts(texts: Callable[[Row], Texts]) -> Callable[[Row, Reader, Any], list[Example]]:
    """The `encode` of a task whose rows are one or two texts with one label."""
    return lambda row, reader, settings: [reader.texts_example(texts(row))]
