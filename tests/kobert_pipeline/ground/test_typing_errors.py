"""Typing errors: spaces move, letters slip to neighbouring keys, and every character knows where it comes from."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.typing_errors import SPACING, no_space, random_space, seeded, typo

SENTENCE = "한강 둔치에서 자전거를 타는 사람이 작년보다 두 배 늘었다."
TEXTS = st.text(st.sampled_from("가각힣뷁 안녕ㅋ,A1\u00a0\t😀ᄒᆞᆫ"), max_size=60)


@given(text=TEXTS, seed=st.integers(0, 9))
@pytest.mark.parametrize("name", SPACING)
def test_every_character_comes_from_its_source(name: str, text: str, seed: int) -> None:
    found = SPACING[name](text, random.Random(seed))
    assert len(found.text) == len(found.sources)
    kept = [place for place in found.sources if place is not None]
    assert kept == sorted(set(kept))
    assert {place for place, character in enumerate(text) if character != " "} <= set(kept), "no letter is lost"
    for character, place in zip(found.text, found.sources, strict=True):
        if name == "typo":
            assert place is not None
            assert character == text[place] or one_letter_apart(character, text[place])
        else:
            assert character == (" " if place is None else text[place])
    assert SPACING[name](text, random.Random(seed)) == found


def one_letter_apart(one: str, other: str) -> bool:
    """Two syllables that differ in one of their jamo."""
    sides = [unicodedata.normalize("NFD", character) for character in (one, other)]
    return len(sides[0]) == len(sides[1]) and sum(a != b for a, b in zip(*sides, strict=True)) == 1


def test_each_error_does_what_its_name_says() -> None:
    assert no_space(SENTENCE, random.Random(0)).text == "한강둔치에서자전거를타는사람이작년보다두배늘었다."
    spaced = random_space(SENTENCE, random.Random(1))
    assert spaced.text.replace(" ", "") == SENTENCE.replace(" ", "")
    assert None in spaced.sources
    assert len(spaced.sources) - spaced.sources.count(None) < len(SENTENCE)
    slipped = typo(SENTENCE, random.Random(3)).text
    assert 1 <= sum(one != other for one, other in zip(slipped, SENTENCE, strict=True)) <= 6
    assert random_space("2024년 NATO 3.5%", random.Random(0)).text.replace(" ", "") == "2024년NATO3.5%"


def test_a_slip_falls_on_a_neighbouring_key() -> None:
    reached = {typo("가", random.Random(seed)).text for seed in range(400)}
    assert reached == {"가", "다", "사", "까", "거", "기"}, (
        "ㄱ is between ㄷ and ㅅ, ㅏ between ㅓ and ㅣ; shift makes ㄲ"
    )


def test_the_generator_depends_on_the_text_alone() -> None:
    assert seeded("가나", "typo").random() == seeded("가나", "typo").random()
    assert len({seeded(text, name, seed).random() for text in "가나" for name in "ab" for seed in (0, 1)}) == 8
