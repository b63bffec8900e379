"""A tokenizer that first cuts Korean text at its morphemes, which MeCab finds, and then into WordPiece pieces.

It needs this file and `tokenizer.json`, and these packages:

    pip install transformers mecab-python3 python-mecab-ko-dic==2.1.1.post2

    AutoTokenizer.from_pretrained(NAME, trust_remote_code=True)

`tokenizer.json` holds everything except MeCab: normalisation, words, pieces, special tokens, templates, decoding. This
file adds a step between words and pieces: a word is split into its morphemes, and each is cut into pieces by itself. A
morpheme that does not begin its word gets `##` before it, so that its pieces are inner ones: 학교에서 -> 학교 ##에서. Offsets
point into the text as usual; `word_ids()` number morphemes.
"""

from __future__ import annotations

import copy
import functools
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tokenizers import NormalizedString, PreTokenizedString, Tokenizer
from tokenizers.pre_tokenizers import PreTokenizer, Sequence
from transformers import PreTrainedTokenizerFast

try:
    import MeCab
    import mecab_ko_dic
except ImportError as error:
    raise ImportError(
        "This tokenizer cuts at morphemes, which MeCab finds: pip install mecab-python3 python-mecab-ko-dic==2.1.1.post2"
    ) from error

SEPARATOR = "\x01"
"""MeCab writes it before every morpheme; the normaliser has removed it from the text."""


class MecabKoTokenizer(PreTrainedTokenizerFast):  # type: ignore[misc, unused-ignore]
    """A fast tokenizer in every respect, except that `train_new_from_iterator` does not work."""

    _auto_class = "AutoTokenizer"  # saving the tokenizer also saves this file

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._words = self._tokenizer.pre_tokenizer
        cut_at_morphemes(self._tokenizer)

    @classmethod
    def convert_to_native_format(cls, **settings: Any) -> dict[str, Any]:
        """transformers would read parts of tokenizer.json; `__init__` needs all of it."""
        return settings

    @contextmanager
    def _without_mecab(self) -> Iterator[Tokenizer]:
        """Gives the tokenizer without MeCab, which no file can hold: this is saved and pickled."""
        self._tokenizer.pre_tokenizer = self._words
        try:
            yield self._tokenizer
        finally:
            cut_at_morphemes(self._tokenizer)

    def _save_pretrained(self, *arguments: Any, **settings: Any) -> Any:
        with self._without_mecab():
            return super()._save_pretrained(*arguments, **settings)

    def __getstate__(self) -> dict[str, Any]:
        with self._without_mecab() as tokenizer:
            return self.__dict__ | {"_tokenizer": copy.deepcopy(tokenizer)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        cut_at_morphemes(self._tokenizer)


def cut_at_morphemes(tokenizer: Tokenizer) -> Tokenizer:
    """Adds the step that cuts at morphemes to the tokenizer of a plain tokenizer.json."""
    tokenizer.pre_tokenizer = Sequence([tokenizer.pre_tokenizer, _morphemes()])
    return tokenizer


@functools.cache
def _morphemes() -> PreTokenizer:
    return PreTokenizer.custom(Morphemes())


class Morphemes:
    """Cuts words at the morphemes that MeCab finds in the whole text."""

    def __init__(self) -> None:
        form = f"--node-format={SEPARATOR}%M --unk-format={SEPARATOR}%M --eos-format="
        self._mecab = MeCab.Tagger(f'-r {os.devnull} -d "{mecab_ko_dic.dictionary_path}" {form}')

    def pre_tokenize(self, text: PreTokenizedString) -> None:
        starts = self._starts(_spaced(text.get_splits()))
        position = 0

        def cut(_: int, word: NormalizedString) -> list[NormalizedString]:
            nonlocal position
            begin, position = position, position + len(word.normalized)
            return _parts(word, [start - begin for start in range(begin + 1, position) if start in starts])

        text.split(cut)

    def _starts(self, text: str) -> set[int]:
        """Where morphemes begin: the number of characters before each, spaces not counted."""
        starts, position = set(), 0
        for morpheme in (self._mecab.parse(text) or "").split(SEPARATOR):
            starts.add(position)
            position += len(morpheme) - morpheme.count(" ")
        return starts


def _spaced(splits: list[tuple[str, tuple[int, int], Any]]) -> str:
    """Joins the words into a text, with a space wherever they do not touch, and in place of special tokens."""
    parts, end = [], 0
    for word, (start, stop), special in splits:
        parts.append(" " if start > end else "")
        parts.append(" " if special else word)
        end = stop
    return "".join(parts)


def _parts(word: NormalizedString, cuts: list[int]) -> list[NormalizedString]:
    """Splits a word at `cuts`. A number stays as tokenizer.json cuts it."""
    if not cuts or word.normalized.isdecimal():
        return [word]
    parts: list[Any] = [word[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(word.normalized)])]
    for part in parts[1:]:
        part.prepend("##")
    return parts
