"""The steps of the corpus stage: each alone, all in order, and in the order of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpora.steps
from corpora.cleaning import clean
from corpora.config import STEP_NAMES, CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.personal_data import mask
from corpora.steps import STEPS
from corpora.steps.boilerplate import strip_boilerplate
from corpora.steps.filters import keep
from corpora.steps.pipeline import REWRITING, bound, pipeline, rewriter
from corpora.steps.rewriting import until_stable
from kobert_pipeline.ground.errors import RecipeError

README = (Path(corpora.steps.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
TEXT = "== 제목 ==\n<b>비가</b> 온다 &amp; [링크](https://a.kr/b) ( )  010-1234-5678 ㅋㅋㅋㅋㅋㅋ"
SOURCES = [{"name": "시험", "path": "글.txt"}]
PIECES = st.sampled_from(
    ["비가 온다", "ㅋㅋㅋㅋ", "&amp;lt;", "<b>", "</b>", "[[", "]]", "{{", "}}", "'''", "==", "```\n", "](", "# ", "---\n", "( , )", "https://a.kr/", "www.", "ì•ˆë…•", "010-1234-5678", "\n", " ", "\u200b", "formula_1", "ⓒ 2020 무단 전재 금지"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def config(**settings: Any) -> CorporaConfig:
    return CorporaConfig.parse({"sources": SOURCES, **settings}, "corpora")


# --- each step -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_a_document_or_the_reason_to_drop_it(name: str) -> None:
    step = STEPS[name]
    function = bound(step.function, step, config().options)
    for text in (TEXT, "", "x", "비가 오는 날에는 집에서 책을 읽는 것이 좋다고 그가 말했다."):
        result = function(Document("1", "시험", text, "제목", "mediawiki"))
        assert isinstance(result, Document | Drop)
        if isinstance(result, Document):
            assert (result.doc_id, result.source) == ("1", "시험")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_has_its_file_and_its_row_in_the_readme(name: str) -> None:
    assert (Path(corpora.steps.__file__).parent / f"{name}.py").is_file()
    options = f"`{section(name)}`" if STEPS[name].options else ""
    assert f"| [`{name}`](steps/{name}.py) | {STEPS[name].does} | {options} |" in README


def section(name: str) -> str:
    """The section of a recipe that holds the options of a step."""
    fields = CorporaConfig.model_fields
    return next(field for field in fields if fields[field].annotation is STEPS[name].options)


def test_the_readme_has_the_steps_in_order() -> None:
    places = [README.index(f"| [`{name}`](steps/{name}.py)") for name in STEPS]
    assert places == sorted(places)


def test_recipes_know_the_names_of_all_steps_in_order() -> None:
    assert tuple(STEPS) == STEP_NAMES == config().steps


@pytest.mark.parametrize("name", REWRITING)
def test_a_step_that_rewrites_changes_text_and_title_in_the_same_way(name: str) -> None:
    step = STEPS[name]
    assert step.rewrite is not None
    rewrite = bound(step.rewrite, step, config().options)
    assert rewrite("") == ""
    result = bound(step.function, step, config().options)(Document("1", "시험", TEXT, TEXT))
    assert result.text == result.title == rewrite(TEXT)


# --- all steps -------------------------------------------------------------------------------------------------------


def test_the_default_steps_do_it_all() -> None:
    wikitext = (
        "== 날씨 ==\n'''비'''가 [[구름|구름]]에서 온다. 문의는 010-1234-5678로 하면 된다고 그가 말했다. ㅋㅋㅋㅋㅋㅋ"
    )
    document, drop = pipeline(config())(Document("1", "시험", wikitext, "<b>제목</b>", "mediawiki"))
    assert drop is None
    assert document == Document(
        "1", "시험", "날씨\n비가 구름에서 온다. 문의는 [전화번호]로 하면 된다고 그가 말했다. ㅋㅋㅋ", "제목", "", (("phone", 1),)
    )  # fmt: skip


@given(TEXTS, TEXTS)
def test_the_default_steps_are_clean_then_mask_then_boilerplate_then_filters(text: str, title: str) -> None:
    document, drop = pipeline(config())(Document("1", "시험", text, title))
    masked, counts = mask(clean(text))
    expected = Document(
        "1", "시험", strip_boilerplate(masked), mask(clean(title))[0], "", tuple(counts.items())
    )  # fmt: skip
    assert document == expected
    assert drop == keep(expected, config().filters)


@settings(max_examples=300)
@given(st.one_of(TEXTS, st.text(max_size=40)))
def test_a_text_without_signs_needs_no_further_pass(text: str) -> None:
    """Each sign that a step needs is declared: passes that go on until nothing changes give the same text."""
    rewrites = [bound(STEPS[name].rewrite, STEPS[name], config().options) for name in REWRITING]  # type: ignore[arg-type]
    assert until_stable(rewrites)(text) == clean(text)


# --- steps of a recipe -----------------------------------------------------------------------------------------------


def test_a_recipe_leaves_out_steps() -> None:
    run = pipeline(config(steps=["characters", "spaces", "personal_data"]))
    document, drop = run(Document("1", "시험", "<b>짧은</b>   글 &amp; 010-1234-5678"))
    assert (document.text, drop) == ("<b>짧은</b> 글 & [전화번호]", None)


def test_a_recipe_changes_the_order_of_steps() -> None:
    """Filters that come first see the markup."""
    markup = "<p>" * 12 + "비가 온다고 말했다. 우산을 챙겨야겠다고 생각했지만 이미 늦었다."
    first = pipeline(config(steps=["filters", *(name for name in STEP_NAMES if name != "filters")]))
    assert first(Document("1", "시험", markup))[1] == Drop("markup_or_code")
    assert pipeline(config())(Document("1", "시험", markup))[1] is None


@given(TEXTS, st.permutations(REWRITING))
def test_rewriting_steps_run_in_any_order(text: str, names: list[str]) -> None:
    rewrite = rewriter(names, config().options)
    assert "\u200b" not in rewrite(text)


def test_steps_run_until_a_pass_changes_nothing() -> None:
    seen: list[str] = []

    def shorten(text: str) -> str:
        seen.append(text)
        return text[1:]

    assert until_stable([shorten])("가나다") == ""
    assert seen == ["가나다", "나다", "다", ""]
    seen.clear()
    assert until_stable([shorten], signs=("다",))("가나다") == ""
    assert seen == ["가나다", "나다", "다"]


def test_options_reach_their_steps() -> None:
    text = "세종(世宗)은 https://a.kr 에 글을 남겼다고 한다. 그리고 크게 웃었다. ㅋㅋㅋㅋㅋㅋ"
    options = {"urls": "keep", "max_repeats": None, "hanja_in_parentheses": "remove"}
    document, drop = pipeline(config(cleaning=options, filters={"min_characters": 0}))(Document("1", "시험", text))
    assert (document.text, drop) == (text.replace("(世宗)", ""), None)
    assert pipeline(config(filters={"min_characters": 500}))(Document("1", "시험", text))[1] == Drop("too_short")


def test_personal_data_stays_only_where_the_recipe_says_so() -> None:
    document, _ = pipeline(config(mask_personal_data=False))(Document("1", "시험", "전화는 010-1234-5678이다."))
    assert (document.text, document.masked) == ("전화는 010-1234-5678이다.", ())
    with pytest.raises(RecipeError, match=r"`steps` leaves out personal_data.*mask_personal_data: false"):
        config(steps=["characters"])
    assert config(steps=["characters"], mask_personal_data=False).active_steps == ("characters",)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["personal_data", "markdwon"], r"corpora\.steps: 'markdwon' is not a step; did you mean `markdown`\?"),
        (["personal_data", "html", "html"], r"corpora\.steps: the step 'html' is listed twice"),
    ],
)
def test_steps_that_are_unknown_or_listed_twice_are_refused(steps: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        config(steps=steps)


def test_the_steps_are_part_of_what_a_corpus_is_made_of() -> None:
    sources = (SourceConfig(name="시험", path="글.txt"),)
    assert CorporaConfig(sources=sources).content()["steps"] == list(STEP_NAMES)
