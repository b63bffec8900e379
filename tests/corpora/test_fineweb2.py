"""FineWeb-2's filters: every rule on a text that fails it, the order of the rules, and the settings that choose them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.config import CorporaConfig, FilterConfig
from corpora.documents import Document
from corpora.steps import fineweb2
from corpora.steps.filters import filters

NOUNS = [
    "하늘",
    "바다",
    "나무",
    "구름",
    "마을",
    "사람",
    "노래",
    "겨울",
    "여름",
    "가을",
    "학교",
    "시장",
    "편지",
    "기차",
    "강물",
    "언덕",
    "들판",
    "저녁",
    "아침",
    "별빛",
]
VERBS = ["걷는다", "부른다", "만난다", "기다린다", "떠난다", "읽는다", "그린다", "바라본다", "이야기한다", "돌아온다"]


def prose(count: int = 12, seed: int = 0, end: str = ".", between: str = " ") -> str:
    draw = random.Random(seed)
    sentences = (
        f"{draw.choice(NOUNS)}에서 {draw.choice(NOUNS)}{draw.choice(('을', '를'))} {draw.choice(NOUNS)}의 {draw.choice(VERBS)}"
        for _ in range(count)
    )
    return between.join(sentence + end for sentence in sentences)


BAD = {
    "dup_line_frac": "\n".join(["늘 같은 줄이다."] * 5 + [prose(4, 1), prose(4, 2), prose(4, 3)]),
    "top_2_gram": "하늘 바다 " * 30,
    "duplicated_5_n_grams": "\n".join((prose(9, 1), prose(9, 2), prose(9, 1) + " 끝이다.")),
    "line_punct_ratio": prose(end=""),
    "char_dup_ratio": "\n".join((*(prose(2, n) for n in range(16)), *(prose(2, n) for n in (1, 2)))),
    "list_ratio": prose(12, end=".", between=".\n\n"),
    "gopher_short_doc": prose(3),
    "gopher_above_avg_threshold": " ".join(random.Random(3).choices(["information", "university", "government", "technology"], k=70)) + ".",
    "gopher_too_many_hashes": prose(20).replace(" ", " #"),
    "gopher_too_many_ellipsis": prose(20).replace(" ", "… "),
    "gopher_too_many_bullets": "\n".join(f"- {prose(6, n)}" for n in range(12)),
    "gopher_too_many_end_ellipsis": "\n".join(prose(6, n) + ("..." if n % 2 else "") for n in range(8)),
    "gopher_below_alpha_threshold": prose(12) + " " + " ".join(f"{n * 7919 % 99991}," for n in range(60)),
    "gopher_enough_stop_words": ", ".join(random.Random(7).choices(["Seoul", "Busan", "Daegu", "river", "cloud", "house"], k=70)) + ".",
}  # fmt: skip


@pytest.mark.parametrize("reason", BAD)
def test_a_text_that_fails_a_rule_is_dropped_by_its_name(reason: str) -> None:
    words = fineweb2.words_of(BAD[reason])
    lines = [line for line in BAD[reason].split("\n") if line.strip()]
    assert dict(fineweb2._reasons(BAD[reason], lines, words))[reason]
    found = fineweb2.keep(BAD[reason])
    assert found is not None


def test_prose_passes() -> None:
    assert fineweb2.keep("\n".join(prose(8, seed) for seed in range(3))) is None


@given(text=st.text(st.sampled_from(list("하늘 의\n.…#-0,다A\ue000")), max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    fineweb2.keep(text)


def test_a_recipe_names_the_rules_and_others_keep_their_fingerprint() -> None:
    sources = [{"name": "시험", "path": "글.txt"}]
    named = CorporaConfig.parse({"sources": sources, "filters": "fineweb2"})
    assert named.filters == CorporaConfig.parse({"sources": sources, "filters": {"rules": "fineweb2"}}).filters
    assert named.content()["filters"]["rules"] == "fineweb2"
    assert "rules" not in FilterConfig().content()


def test_the_step_asks_the_named_rules() -> None:
    short, foreign = (
        Document("1", "시험", prose(4)),
        Document("2", "시험", "English text. " * 40),
    )
    named = FilterConfig(rules="fineweb2")
    assert filters(short, FilterConfig()) is short
    assert [getattr(filters(document, named), "reason", "") for document in (short, foreign)] == [
        "gopher_short_doc",
        "not_korean",
    ]
