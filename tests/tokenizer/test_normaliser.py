"""At use, the tokenizer reads a text as cleaning would have written it, and nothing takes a word along into [UNK]."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers

from corpora.steps.characters import clean_characters
from kobert_pipeline.ground.lookalikes import DOTS, LETTERS, WIDTHS
from tokenizer.charsmap import compiled
from tokenizer.load import assemble
from tokenizer.normaliser import normaliser
from tokenizer.train import ROLES

KNOWN = "재밌다슬프안녕시도지사ㅋㅠㄳ함좋아요ABC12가나·~₩%()♥❤"
NORMALISER = normaliser()
BERT = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """With a row for every character of KNOWN, at the beginning of words and inside."""
    return assemble([*ROLES.values(), *KNOWN, *(f"##{character}" for character in KNOWN)])


@pytest.mark.parametrize(
    ("typed", "usual"),
    [
        ("재밌다\u110f\u110f\u110f", "재밌다ㅋㅋㅋ"),
        ("\u110f안녕", "ㅋ안녕"),
        ("슬프다\u1172\u1172", "슬프다ㅠㅠ"),
        ("함\u11aa", "함ㄳ"),
        ("\u1172\u11aa", "ㅠㄳ"),
        ("가～나", "가~나"),
        ("（시）12％", "(시)12%"),
        ("￦12", "₩12"),
        ("ＡＢＣ", "ABC"),
        ("ﾡﾢ", "ㄱㄲ"),
        ("가\u3164나", "가 나"),
        ("가\u200b\u034f나", "가나"),
        *((f"시{dot}도", "시·도") for dot in [*DOTS, "･"]),
    ],
)
def test_what_is_typed_otherwise_gives_the_same_pieces(tokenizer: Tokenizer, typed: str, usual: str) -> None:
    assert clean_characters(typed) == usual
    for form in ("NFC", "NFD"):
        assert tokenizer.encode(unicodedata.normalize(form, typed)).ids == tokenizer.encode(usual).ids


@pytest.mark.parametrize("text", ["\u1112\u119e\u11ab글", "\u1100\u119e", "아래아(ㆍ)", "\u119e", "ア・イ"])
def test_old_hangul_and_its_letters_stay(text: str) -> None:
    assert NORMALISER.normalize_str(text) == text == clean_characters(text)


@pytest.mark.parametrize("strange", ["🥹", "🫨", "👍🏻", "❤️", "1️⃣", "👨\u200d👩\u200d👧", "🇰🇷", "☭", "㎢", "♥🥹"])
@pytest.mark.parametrize("place", ["좋아요{}", "{}좋아요", "좋아요{}안녕", "좋아요 {}"])
def test_an_unknown_symbol_takes_no_word_along(tokenizer: Tokenizer, place: str, strange: str) -> None:
    pieces = tokenizer.encode(place.format(strange), add_special_tokens=False).tokens
    assert "".join(piece.removeprefix("##") for piece in pieces).count("좋아요") == 1


@pytest.mark.parametrize(
    "text", ["재밌다\u110f\u110f 안녕", "다\u1172\u1172", "ＡＢＣ가～나", "좋아요🥹♥❤️나", "￦12ㆍ시", "\u3164가 (나)"]
)
def test_offsets_point_at_what_was_typed(tokenizer: Tokenizer, text: str) -> None:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    for piece, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        typed = clean_characters(text[start:end]).replace("ㆍ", "·")
        assert piece in ("[UNK]", typed, f"##{typed}")


TROUBLE = [
    *LETTERS,
    *DOTS,
    *map(chr, WIDTHS),
    *"가각ㅋㅠ🥹❤\ufe0f\u200d\u034f\u3164 \u1112\u119e\u1160\u115f\x85éＡ́",
    "나",
]


@settings(max_examples=1_000)
@given(text=st.text(st.one_of(st.sampled_from(TROUBLE), st.characters(exclude_categories=["Cs", "Cn"])), max_size=12))
def test_any_text_is_read_as_cleaning_writes_it(tokenizer: Tokenizer, text: str) -> None:
    """Except that accents of full-width letters are lost, voice marks of half-width Katakana are not joined, and what
    has no decomposition of its own (mojibake, lone joiners) is left to cleaning."""
    tokenizer.encode(text)
    if not any(
        unicodedata.combining(one) or one in "\uff9e\uff9f\u3099\u309aêëìí"
        for one in unicodedata.normalize("NFD", text)
    ):
        cleaned = BERT.normalize_str(clean_characters(text))
        assert NORMALISER.normalize_str(text).split() == cleaned.split()


ALONE = st.characters(min_codepoint=1, exclude_categories=["Cs", "Cf", "M", "Sk"])
"""Marks, joiners and skin tones make one grapheme with the character before them, and the library reads graphemes."""


@given(st.dictionaries(ALONE, st.text(ALONE, min_size=1, max_size=3), min_size=1, max_size=60))
def test_a_compiled_table_replaces_its_keys_and_nothing_else(table: dict[str, str]) -> None:
    replace = normalizers.Precompiled(compiled(table)).normalize_str
    for character in [*table, *map(chr, range(0x250)), *"가나漢😂"]:
        assert replace(f"x {character} y") == f"{table.get('x', 'x')}{table.get(' ', ' ')}{table.get(character, character)}{table.get(' ', ' ')}{table.get('y', 'y')}"  # fmt: skip
