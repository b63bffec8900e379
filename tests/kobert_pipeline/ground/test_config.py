import pytest

from klue_eval.config import EvaluationConfig, Protocol
from kobert_pipeline.ground.config import Config, runtime
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.ground.layers import assign, load_yaml, merge


class Inner(Config):
    learning_rate: float = 1e-3
    workers: int = runtime(0)


class Outer(Config):
    pretrain: Inner = Inner()
    parts: tuple[Inner, ...] = ()


def test_an_unknown_key_names_its_path_and_the_nearest_known_key():
    with pytest.raises(RecipeError, match=r"pretrain\.learning_rat: unknown key; did you mean `learning_rate`\?"):
        Outer.parse({"pretrain": {"learning_rat": 1}})


def test_an_unknown_key_inside_a_list_is_named_with_its_number():
    with pytest.raises(RecipeError, match=r"parts\.1\.worker: unknown key; did you mean `workers`\?"):
        Outer.parse({"parts": [{}, {"worker": 1}]})


def test_a_wrong_type_shows_what_was_given():
    with pytest.raises(RecipeError, match=r"pretrain\.learning_rate: .*number.*\(given: 'fast'\)"):
        Outer.parse({"pretrain": {"learning_rate": "fast"}})


def test_settings_that_do_not_go_together_are_named_without_a_list_of_all():
    for where, values in ((EvaluationConfig, {"tasks": ["dp"], "export": ["dp"]}), (Protocol, {"epochs": [1, 2]})):
        with pytest.raises(RecipeError) as caught:
            where.parse(values)
        assert str(caught.value).startswith(("export: no class", "several learning rates"))
        assert "given" not in str(caught.value)


def test_settings_that_change_no_result_are_not_in_the_content():
    assert Outer.parse({"pretrain": {"workers": 5}}).content() == Outer.parse({}).content()
    assert Outer.parse({"pretrain": {"learning_rate": 2}}).content() != Outer.parse({}).content()


def test_set_reaches_into_sections_and_reads_values_as_yaml():
    settings = assign({"pretrain": {"learning_rate": 1, "workers": 2}}, "pretrain.learning_rate=0.5")
    assert settings == {"pretrain": {"learning_rate": 0.5, "workers": 2}}
    assert assign({}, "parts=[1, 2]") == {"parts": [1, 2]}


def test_set_without_a_value_says_how_to_write_it():
    with pytest.raises(RecipeError, match="write it as key=value"):
        assign({}, "pretrain.learning_rate")


def test_merging_replaces_values_and_merges_sections():
    assert merge({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}}) == {"a": {"x": 1, "y": 3}, "b": 1}


def test_a_section_of_another_name_replaces_the_old_one_completely():
    over = {"objective": {"name": "mlm"}}
    assert merge({"objective": {"name": "mlm_nsp", "short_probability": 0.2}}, over) == over


@pytest.mark.parametrize("text", ["- a list", "a: [1", "just text"])
def test_a_file_that_is_not_a_recipe_is_refused(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"bad\.yaml"):
        load_yaml(path)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"pretrain": {"seed": 1}}, r"pretrain\.seed: unknown key; did you mean `seed`\?"),
        ({"learning_rate": 1}, r"learning_rate: unknown key; did you mean `pretrain\.learning_rate`\?"),
        ({"pretrain": {"learning_rates": 1}}, r"did you mean `learning_rate`\?"),
    ],
)
def test_a_key_of_another_section_is_named_with_its_path(given, meant):
    class Whole(Outer):
        seed: int = 0

    with pytest.raises(RecipeError, match=meant):
        Whole.parse(given)
