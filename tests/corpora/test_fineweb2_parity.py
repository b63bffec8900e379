"""FineWeb-2's filters, next to datatrove's own, with the same words: the first reason is the same for every text."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from corpora.steps import fineweb2

KOREAN = "kor"
Reason = Callable[[str], str]
PARTS = (
    "하늘에서 새가 내려와 나무에 앉았다. 아이들이 그 모습을 오래 바라보았다.", "시장에 간 할머니는 사과와 배를 샀다. 값은 지난주보다 조금 올랐다.",
    "기차가 늦어서 모두 역에서 기다렸다", "늘 같은 줄이다.", "- 준비할 것", "• 둘째 항목", "그래서… 어떻게 되었을까…", "끝나지 않은 이야기...", "#하늘 #바다 #여행",
    "English text without any Korean word in it", "1, 2, 3, 4, 5, 6", "", "!!!", "겨울 겨울 겨울 겨울 겨울 겨울",
)  # fmt: skip


@pytest.fixture(scope="module")
def theirs() -> Reason:
    """The first reason of datatrove's filters, with the settings of FineWeb-2 and our words; empty if a text is kept."""
    pytest.importorskip("datatrove", reason="datatrove is not installed (the extra `bench`)")
    from datatrove.data import Document
    from datatrove.pipeline.filters import fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter

    modules: tuple[ModuleType, ...] = (gopher_repetition_filter, fineweb_quality_filter, gopher_quality_filter)
    filters = (
        gopher_repetition_filter.GopherRepetitionFilter(
            language=KOREAN, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0,
            dup_line_frac=fineweb2.MAX_DUPLICATE_LINES, top_n_grams=fineweb2.MAX_TOP_NGRAMS, dup_n_grams=fineweb2.MAX_DUPLICATE_NGRAMS,
        ),
        fineweb_quality_filter.FineWebQualityFilter(
            language=KOREAN, short_line_thr=999, char_duplicates_ratio=fineweb2.MAX_DUPLICATE_LINE_CHARACTERS,
            line_punct_thr=fineweb2.MIN_ENDED_LINES, new_line_ratio=fineweb2.MAX_BREAKS,
        ),
        gopher_quality_filter.GopherQualityFilter(
            language=KOREAN, min_avg_word_length=fineweb2.MIN_WORD_LENGTH, max_avg_word_length=fineweb2.MAX_WORD_LENGTH,
            max_non_alpha_words_ratio=fineweb2.MIN_ALPHABETIC, stop_words=sorted(fineweb2.STOP_WORDS),
        ),
    )  # fmt: skip

    def reason(text: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            for module in modules:
                patch.setattr(module, "split_into_words", lambda given, language: fineweb2.words_of(given))
            answers = (each.filter(Document(text=text, id="1")) for each in filters)
            return next((answer[1] for answer in answers if answer is not True), "")

    return reason


@hypothesis_settings(max_examples=150)
@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=40), seed=st.integers(0, 999))
def test_every_text_has_the_reason_that_datatrove_gives(parts: list[str], seed: int, theirs: Reason) -> None:
    draw = random.Random(seed)
    text = "".join(part + draw.choice((" ", "\n", "\n\n")) for part in parts).strip()
    if not fineweb2.words_of(text):
        return  # datatrove calls it `empty`, or divides by zero
    found = fineweb2.keep(text)
    assert ("" if found is None else found.reason) == theirs(text)
