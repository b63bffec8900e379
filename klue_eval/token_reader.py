"""The tokenizer as the tasks use it: text -> tokens, and tokens -> the example that a model reads."""

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
    """In characters of the text, without the leading spaces that some tokenizers include in a token."""
    end: int


@dataclass(frozen=True)
class _Specials:
    """Special tokens in one place of a template: before, between or after the segments."""

    ids: list[int]
    types: list[int]
    """Their segments: 0 and 1 for BERT. XLNet's [CLS] is a segment of its own, 2."""


@dataclass(frozen=True)
class _Pair:
    """[CLS] A [SEP] B [SEP]: the special tokens between and after the segments, and the types of both segments."""

    middle: _Specials
    suffix: _Specials
    types: tuple[int, int]
    """0 and 1 for BERT; 0 and 0 if both segments have the same type."""


class Reader:
    """A fast tokenizer with a limit on the tokens of one example.

    The tokenizer decides which special tokens surround a segment: [CLS] A [SEP] B [SEP], <s> A </s></s> B </s>, …
    """

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_padding()
        self._backend.no_truncation()
        single = self._backend.encode("가")
        inside = _inside(single)
        self._before = _specials(single, slice(inside[0]))
        self._after = _specials(single, slice(inside[-1] + 1, None))
        self._type: int = single.type_ids[inside[0]]
        self._pair = self._pair_template()
        self._special = frozenset(tokenizer.all_special_ids)
        self.continuation: str = getattr(self._backend.model, "continuing_subword_prefix", None) or ""
        """The prefix of a piece inside a word: `##` for WordPiece; empty if the beginning of a word is marked."""

    @property
    def unknown(self) -> int | None:
        """The id of [UNK]; None for byte-level tokenizers."""
        return self.tokenizer.unk_token_id  # type: ignore[no-any-return]

    @property
    def prefix(self) -> list[int]:
        """Special tokens before the first segment."""
        return self._before.ids

    @property
    def suffix(self) -> list[int]:
        """Special tokens after the last segment."""
        return self._after.ids

    @property
    def separator(self) -> list[int]:
        """The special token that ends a segment. It separates the turns of a dialogue."""
        return self.suffix[:1]

    @property
    def room(self) -> int:
        """Room for the tokens of a single segment, without special tokens."""
        return self.max_length - len(self.prefix) - len(self.suffix)

    @property
    def pair_room(self) -> int:
        """Room for the tokens of two segments together, without special tokens."""
        return self.max_length - len(self.prefix) - len(self._pair.middle.ids) - len(self._pair.suffix.ids)

    def tokens(self, text: str) -> list[Token]:
        """Returns all tokens of the text, without special tokens."""
        encoding = self._backend.encode(text, add_special_tokens=False)
        return [
            Token(number, token, start + len(text[start:end]) - len(text[start:end].lstrip()), end)
            for number, token, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
        ]

    def unread(self, text: str) -> list[str]:
        """Returns the eojeols from which the tokenizer makes no token: isolated zero-width and control characters.

        An eojeol with a letter or a digit always gives a token, [UNK] at least, so only the others are checked.
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

    def id_of(self, piece: str) -> int | None:
        """Returns the id of a piece of the vocabulary; that of [UNK] if the vocabulary does not have it."""
        number = self._backend.token_to_id(piece)
        return self.unknown if number is None else int(number)

    def text_of(self, ids: Sequence[int]) -> str:
        """Decodes the tokens before the first special token."""
        stop = next((place for place, number in enumerate(ids) if number in self._special), len(ids))
        return str(self.tokenizer.decode(list(ids[:stop]), clean_up_tokenization_spaces=False))

    def example(self, ids: Sequence[int], **rest: Any) -> Example:
        """Puts special tokens around one segment, of which only the first `room` tokens are kept."""
        kept = ids[: self.room]
        types = [*self._before.types, *[self._type] * len(kept), *self._after.types]
        truncated = rest.pop("truncated", len(ids) > self.room)
        return self._example([*self.prefix, *kept, *self.suffix], types, truncated=truncated, **rest)

    def pair_example(self, first: Sequence[int], second: Sequence[int], **rest: Any) -> Example:
        """Puts special tokens around two segments, which must fit."""
        middle, suffix, (front, back) = self._pair.middle, self._pair.suffix, self._pair.types
        types = [*self._before.types, *[front] * len(first), *middle.types, *[back] * len(second), *suffix.types]
        return self._example([*self.prefix, *first, *middle.ids, *second, *suffix.ids], types, **rest)

    def _example(self, ids: list[int], types: list[int], **rest: Any) -> Example:
        return Example(ids, types, cls=self.cls_of(len(ids)), **rest)

    def cls_of(self, length: int) -> int:
        """Returns the position of [CLS] in an example of `length` tokens: the first, or for XLNet the last."""
        number = self.tokenizer.cls_token_id
        if number in self.suffix and number not in self.prefix:
            return length - len(self.suffix) + self.suffix.index(number)
        return 0

    def pair_start(self, first: Sequence[int]) -> int:
        """Returns the position at which the second segment of a `pair_example` begins."""
        return len(self.prefix) + len(first) + len(self._pair.middle.ids)

    def texts_example(self, texts: Texts) -> Example:
        """Encodes one text or two. If two do not fit, tokens are removed from the end of the longer one."""
        if texts.pair is None:
            return self.example(self.ids(texts.text), target=texts.target)
        first, second = self.ids(texts.text), self.ids(texts.pair)
        kept_first, kept_second = _longest_first(len(first), len(second), self.pair_room)
        truncated = (kept_first, kept_second) != (len(first), len(second))
        return self.pair_example(first[:kept_first], second[:kept_second], target=texts.target, truncated=truncated)

    def _pair_template(self) -> _Pair:
        pair = self._backend.encode("가", "나")
        inside = _inside(pair)
        second = pair.sequence_ids.index(1)
        before = max(position for position in inside if position < second)
        return _Pair(
            middle=_specials(pair, slice(before + 1, second)),
            suffix=_specials(pair, slice(inside[-1] + 1, None)),
            types=(pair.type_ids[inside[0]], pair.type_ids[second]),
        )


def _inside(encoding: Any) -> list[int]:
    """The positions of tokens that are not special."""
    return [position for position, special in enumerate(encoding.special_tokens_mask) if not special]


def _specials(encoding: Any, part: slice) -> _Specials:
    return _Specials(encoding.ids[part], encoding.type_ids[part])


def _longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Returns the lengths after removing tokens from the longer segment, one at a time, until both fit."""
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


def encode_texts(texts: Callable[[Row], Texts]) -> Callable[[Row, Reader, Any], list[Example]]:
    """Returns the `encode` of a task whose rows are one text or two with one label."""
    return lambda row, reader, settings: [reader.texts_example(texts(row))]
