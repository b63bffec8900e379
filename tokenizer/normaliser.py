"""What a tokenizer does to a text before pieces are cut, by steps that the library tokenizers has: no code of ours at use.

What cleaning unifies is unified here too (`kobert_pipeline.ground.lookalikes`): a user's `재밌다ᄏᄏ ￦1,000` gives the
pieces of `재밌다ㅋㅋ ₩1,000`. Symbols and emoji are words by themselves, as BERT's punctuation is: one without a row in the
vocabulary does not take the word before it along.
"""

from __future__ import annotations

from tokenizers import Regex, normalizers, pre_tokenizers

from kobert_pipeline.ground.lookalikes import AFTER_REPLACED, DOTS, LETTERS, WIDTHS
from tokenizer.charsmap import compiled
from tokenizer.words import DIGITS, SYMBOLS, Digits

_MARK = "\u034f"
"""The grapheme joiner, not shown. Written after a character whose replacement depends on its neighbours, which
`Precompiled` does not see: it takes both as one key, because Unicode takes them as one cluster."""
_JOINS = "(?<=[가-힣\u1160-\u11ff])(?=[\u1161-\u1175\u119e\u11a8-\u11c2])"
"""A mark here too: Unicode would take a vowel or a final as part of the syllable before it."""
_BLANKS = "\v\f\x1c\x1d\x1e\x1f\x85\u2800\u3164\uffa0"
"""Spaces and line breaks that BERT's normaliser deletes or takes for characters."""


def normaliser() -> normalizers.Normalizer:
    """Unifies what looks alike, composes syllables (NFC), then does as BERT: no control characters, Chinese characters
    are words. Keeps case and accents."""
    table = {chr(code): chr(usual) for code, usual in WIDTHS.items()} | dict.fromkeys(_BLANKS, " ") | {_MARK: "\u200b"}
    table |= {jamo + _MARK: letter for jamo, letter in LETTERS.items()} | {dot + _MARK: "·" for dot in DOTS}
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    marks = normalizers.Replace(Regex(f"{AFTER_REPLACED}|{_JOINS}"), _MARK)
    return normalizers.Sequence([normalizers.NFC(), marks, normalizers.Precompiled(compiled(table)), bert])


def word_splitter(digits: Digits = "whole") -> pre_tokenizers.PreTokenizer:
    """Splits at spaces, around every punctuation mark and every symbol, and on request splits numbers."""
    steps = [pre_tokenizers.Split(Regex(SYMBOLS), "isolated"), pre_tokenizers.BertPreTokenizer()]
    if digits != "whole":
        steps.append(pre_tokenizers.Split(Regex(DIGITS[digits]), "isolated"))
    return pre_tokenizers.Sequence(steps)
