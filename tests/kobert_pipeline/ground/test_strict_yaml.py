"""Recipes say what they mean: what YAML would read otherwise, or twice, is refused with line and key."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, PositiveFloat

from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.ground.layers import assign, load_yaml
from kobert_pipeline.ground.strict_yaml import parse
from kobert_pipeline.recipe import load_recipe

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_yaml_writes_is_read_as_the_safe_loader_reads_it(value):
    text = yaml.safe_dump(value, allow_unicode=True)
    assert parse(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corpora: {a: 1}\npretrain: {}\ncorpora: {b: 2}\n", "line 3: the key `corpora` is in line 1 already"),
        ("pretrain:\n  max_steps: 3\n  max_steps: 4\n", "line 3: the key `max_steps` is in line 2 already"),
        ("seed: 010\n", "line 1: YAML reads 010 as an octal number"),
        ("a: 1\nb: 1:30\n", "line 2: YAML reads 1:30 as a number of base 60"),
        ("a: 2026-13-45\n", "month must be in"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_what_would_be_misread_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        load_yaml(tmp_path / "my.yaml")


def test_numbers_as_people_write_them_are_read():
    assert parse("{a: 10, b: 0, c: 0.5, d: 1.0e-4, e: -3, f: '010', g: 1_000}") == {
        "a": 10, "b": 0, "c": 0.5, "d": 1e-4, "e": -3, "f": "010", "g": 1000,
    }  # fmt: skip


def test_merge_keys_may_occur_with_the_keys_that_they_bring():
    assert parse("base: &base {a: 1, b: 2}\nown:\n  <<: *base\n  b: 3\n")["own"] == {"a": 1, "b": 3}


@pytest.mark.parametrize("text", ["[1, 2", "{a: 1, a: 2}", '"', "&a *b", "010"])
def test_a_damaged_value_of_set_is_one_line(text):
    with pytest.raises(RecipeError, match="--set seed=") as caught:
        assign({}, f"seed={text}")
    assert "\n" not in str(caught.value)


class Settings(Config):
    steps: int | None = None
    rate: float = 0.1
    on: bool = False
    name: str | bool = ""
    temperature: PositiveFloat | None = None
    rates: tuple[PositiveFloat, ...] = ()
    weights: dict[str, PositiveFloat] = Field(default_factory=dict)
    switches: dict[str, bool] = Field(default_factory=dict)


@pytest.mark.parametrize(
    "value",
    [{"steps": True}, {"rate": False}, {"temperature": True}, {"rates": [0.1, True]}, {"weights": {"nli": True}}],
)
def test_a_truth_value_is_not_a_number(value):
    with pytest.raises(RecipeError, match="a number is needed, not a truth value"):
        Settings.parse(value)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), float("-inf")])
def test_a_number_is_finite(value):
    for wrong in ({"rate": value}, {"rates": [0.1, value]}, {"weights": {"nli": value}}):
        with pytest.raises(RecipeError, match=f"^{next(iter(wrong))}: a finite number is needed"):
            Settings.parse(wrong)


def test_truth_values_stay_where_they_belong():
    given = {"on": True, "name": True, "steps": 3, "rate": 1, "switches": {"a": True}}
    assert Settings.parse(given) == Settings(on=True, name=True, steps=3, rate=1, switches={"a": True})


def test_a_recipe_refuses_them_by_their_path():
    with pytest.raises(RecipeError, match=r"pretrain\.max_steps: a number is needed"):
        load_recipe("quickstart", ("pretrain.max_steps=true",))
    with pytest.raises(RecipeError, match="seed: Input should be less than 4294967296"):
        load_recipe("quickstart", ("seed=4294967296",))
