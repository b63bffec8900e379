"""Pieces of a domain: those that save most come first, and old ids do not change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from kobert_pipeline.ground.errors import InputError
from tokenizer.domain_pieces import extended, first_new_id, greedy_parts, replaced, useful_pieces
from tokenizer.load import assemble
from tokenizer.train import ROLES
from tokenizer.words import count_units

SEP = "\x01"


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return assemble([*ROLES.values(), "골", "##절", "##상", "환", "##자", "##를", "골절"])


def test_the_morphemes_that_save_most_come_first(small: Tokenizer) -> None:
    units = count_units([f"골절상{SEP}환자{SEP}를"] * 6 + [f"환자{SEP}를"] * 20 + ["골상"] * 4)
    assert useful_pieces(small, units, 9) == ["##환자", "환자", "골절상"], "##환자 was unknown"
    assert useful_pieces(small, units, 1) == ["##환자"]
    assert useful_pieces(small, units, 9, min_frequency=1) == ["##환자", "환자", "골절상", "골상"]


def test_a_choice_may_make_the_next_one_worthless(small: Tokenizer) -> None:
    """`환자를` as one piece saves 2 pieces each time; after `환자` has been chosen, 1."""
    units = count_units(["환자를"] * 10 + ["환자"] * 12 + ["골상"] * 9)
    assert useful_pieces(small, units, 3) == ["환자를", "환자", "골상"]
    units = count_units(["환자를"] * 10 + ["환자"] * 25 + ["골상"] * 11)
    assert useful_pieces(small, units, 3) == ["환자", "골상", "환자를"]


def test_words_with_unknown_characters_become_known(small: Tokenizer) -> None:
    new = extended(small, useful_pieces(small, count_units(["뼈"] * 5), 5))
    assert small.encode("뼈", add_special_tokens=False).tokens == ["[UNK]"]
    assert new.encode("뼈", add_special_tokens=False).tokens == ["뼈"]


def test_old_ids_stay_and_new_ones_follow(small: Tokenizer) -> None:
    new = extended(small, ["환자", "##상자"])
    assert {
        piece: number for piece, number in new.get_vocab().items() if number < small.get_vocab_size()
    } == small.get_vocab()
    assert (new.token_to_id("환자"), new.token_to_id("##상자")) == (small.get_vocab_size(), small.get_vocab_size() + 1)
    assert new.encode("환자를", add_special_tokens=False).tokens == ["환자", "##를"]


@st.composite
def vocabularies(draw: st.DrawFn) -> Tokenizer:
    """WordPiece with gaps between its ids, and with added and special tokens before, between and after its pieces."""
    inside = [*ROLES.values(), "골", "##절", "##상", "환", "##자", "##를", "<subj>", "가나"]
    ids = draw(st.lists(st.integers(0, 40), min_size=len(inside), max_size=len(inside), unique=True))
    tokenizer = Tokenizer(models.WordPiece(dict(zip(inside, ids, strict=True)), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    kept = st.lists(
        st.sampled_from([*ROLES.values(), "<subj>", "</subj>", "<obj>", "가나", "환자", "골절"]), unique=True
    )
    for token in draw(kept):
        flags = {name: draw(st.booleans()) for name in ("special", "normalized", "single_word")}
        tokenizer.add_tokens([AddedToken(token, **flags)])
    return tokenizer


@given(
    tokenizer=vocabularies(),
    pieces=st.lists(st.sampled_from(["환자를", "##상자", "골절상", "자"]), unique=True, min_size=1),
)
def test_old_ids_stay_and_ids_are_unique_wherever_gaps_and_added_tokens_are(
    tokenizer: Tokenizer, pieces: list[str]
) -> None:
    old = tokenizer.get_vocab()
    if len(set(old.values())) < len(old):  # the library fills gaps with added tokens, also where there are none
        with pytest.raises(InputError, match="have the same id"):
            extended(tokenizer, pieces)
        return
    for new in (extended(tokenizer, pieces), Tokenizer.from_str(extended(tokenizer, pieces).to_str())):
        ids = new.get_vocab()
        assert {token: ids[token] for token in old} == old
        assert [ids[piece] for piece in pieces] == [first_new_id(tokenizer) + place for place in range(len(pieces))]
        assert len(set(ids.values())) == len(ids) == len(old) + len(pieces)
        assert all(new.id_to_token(number) == token for token, number in ids.items())
        for text in ("환 골절 <subj> 상 </subj>", "[CLS] 골 [SEP]", "가나 <obj>가나골"):
            assert new.encode(text).tokens == tokenizer.encode(text).tokens


def test_a_piece_that_is_an_added_token_is_not_added_again(small: Tokenizer) -> None:
    tokenizer = Tokenizer.from_str(small.to_str())
    tokenizer.add_tokens(["환자"])
    assert "환자" not in useful_pieces(tokenizer, count_units([f"환자{SEP}를", "골상"] * 9), 9)


def test_a_piece_that_the_normaliser_changes_is_not_added(small: Tokenizer) -> None:
    """It would never be found in a text."""
    lowering = Tokenizer.from_str(small.to_str())
    lowering.normalizer = normalizers.Lowercase()
    assert useful_pieces(lowering, count_units(["KTX", "골상"] * 9), 9) == ["골상"]
    lowering.normalizer = normalizers.NFD()
    with pytest.raises(InputError, match="normaliser changes it"):
        useful_pieces(lowering, count_units(["골상"] * 9), 9)


def test_a_new_piece_replaces_its_parts(small: Tokenizer) -> None:
    vocabulary = small.get_vocab()
    assert replaced(small, "골절상") == [vocabulary["골절"], vocabulary["##상"]]
    assert replaced(small, "##상자") == [vocabulary["##상"], vocabulary["##자"]]
    assert replaced(small, "뼈") == [vocabulary["[UNK]"]]


@given(st.text("골절상환자를뼈", min_size=1, max_size=8))
def test_parts_are_those_of_the_library(text: str) -> None:
    tokenizer = assemble([*ROLES.values(), "골", "##절", "##상", "환", "##자", "##를", "골절"])
    expected = tokenizer.encode(text, add_special_tokens=False).tokens
    assert (greedy_parts(text, tokenizer.get_vocab()) or ["[UNK]"]) == expected


def test_a_text_that_adds_nothing_is_refused(small: Tokenizer) -> None:
    with pytest.raises(InputError, match="adds nothing"):
        useful_pieces(small, count_units(["골절"] * 10), 5)


def test_other_tokenizers_are_refused() -> None:
    other: Any = Tokenizer(models.BPE())
    with pytest.raises(InputError, match="Only WordPiece tokenizers can be extended; this one is BPE"):
        useful_pieces(other, count_units(["골절"] * 10), 5)
