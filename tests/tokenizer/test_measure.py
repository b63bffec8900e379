"""Figures of a tokenizer, counted by hand."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from tokenizer.load import assemble
from tokenizer.measure import measure, unknown_id
from tokenizer.train import ROLES


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return assemble([*ROLES.values(), "학교", "##에서", "밥", "##을", "먹는", "##다", "."])


def _starts(cuts: str) -> set[int]:
    """Starts of morphemes of a sentence written with `|` before each."""
    starts, position = set(), 0
    for character in cuts:
        if character == "|":
            starts.add(position)
        else:
            position += 1
    return starts


def test_figures_without_morphemes(small: Tokenizer) -> None:
    """학교 ##에서 밥 ##을 [UNK] .: six pieces, three eojeols."""
    assert measure(small, ["학교에서 밥을 먹었다."]) == {
        "eojeols": 3,
        "pieces_per_eojeol": 2.0,
        "unknown_share": round(1 / 6, 6),
        "inner_share": round(2 / 6, 4),
    }


def test_cuts_are_compared_inside_eojeols(small: Tokenizer) -> None:
    """Cuts: before 에서, 을 and the full stop. Expected: these, and before 었 and 다."""
    expected = _starts("|학교|에서 |밥|을 |먹|었|다|.")
    assert expected == {0, 2, 5, 6, 8, 9, 10, 11}
    figures = measure(small, ["학교에서 밥을 먹었다."], lambda _: expected)
    assert (figures["cut_precision"], figures["cut_recall"], figures["cut_f1"]) == (1.0, 0.6, 0.75)


def test_a_cut_that_no_morpheme_has_costs_precision(small: Tokenizer) -> None:
    """Cuts: before 에서 and before 다. Expected: before 에서 and 는."""
    figures = measure(small, ["학교에서 먹는다"], lambda _: _starts("|학교|에서 |먹|는다"))
    assert (figures["cut_precision"], figures["cut_recall"], figures["cut_f1"]) == (0.5, 0.5, 0.5)


def test_figures_add_up_over_sentences(small: Tokenizer) -> None:
    figures = measure(small, ["학교에서", "", "밥을 밥을"], lambda _: set())
    assert (figures["eojeols"], figures["pieces_per_eojeol"], figures["inner_share"]) == (3, 2.0, 0.5)
    assert (figures["cut_precision"], figures["cut_recall"], figures["cut_f1"]) == (0.0, 0.0, 0.0)


def test_no_text_gives_zeros(small: Tokenizer) -> None:
    assert set(measure(small, [], lambda _: set()).values()) == {0}


def _sentence_piece() -> Tokenizer:
    """Unigram pieces, where a space belongs to the word after it."""
    pieces = [("<unk>", 0.0), ("▁학교", -1.0), ("에서", -1.0), ("▁밥", -1.0), ("을", -1.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def test_tokenizers_of_other_kinds_are_measured_by_the_same_rule(small: Tokenizer) -> None:
    expected = _starts("|학교|에서 |밥|을")
    sentence_piece, ours = (measure(each, ["학교에서 밥을"], lambda _: expected) for each in (_sentence_piece(), small))
    assert sentence_piece["cut_f1"] == ours["cut_f1"] == 1.0
    assert sentence_piece["pieces_per_eojeol"] == ours["pieces_per_eojeol"] == 2.0
    assert measure(_sentence_piece(), ["밥을 먹"])["unknown_share"] > 0


def test_each_tokenizer_names_its_own_unknown_piece(small: Tokenizer) -> None:
    assert unknown_id(small) == small.token_to_id("[UNK]")
    assert unknown_id(_sentence_piece()) == 0
    assert unknown_id(Tokenizer(models.BPE())) == -1
