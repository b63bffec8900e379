from __future__ import annotations

import pytest
import yaml

from kobert_pipeline.hub.published_recipe import published_recipe, shown_path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/me/wiki.jsonl", "wiki.jsonl"),
        ("~/texts/*.txt", "*.txt"),
        ("C:\\Users\\me\\wiki.jsonl", "wiki.jsonl"),
        ("${KOBERT_DATA}/petitions/", "petitions"),
        ("s3://bucket/folder/wiki.jsonl.zst", "wiki.jsonl.zst"),
        ("/", "."),
        ("package:corpora/sample/news.jsonl", "package:corpora/sample/news.jsonl"),
        ("hub:klue", "hub:klue"),
        ("hf://datasets/someone/texts/a.parquet", "hf://datasets/someone/texts/a.parquet"),
    ],
)
def test_a_path_is_reduced_to_its_name_unless_it_means_the_same_everywhere(path: str, shown: str) -> None:
    assert shown_path(path) == shown


def test_only_settings_that_decide_the_result_are_published() -> None:
    resolved = {
        "name": "mine",
        "description": "of 홍길동",
        "seed": 7,
        "corpora": {"sources": [{"name": "위키", "path": "/home/me/wiki.jsonl"}], "deduplicate": True},
        "pretrain": {"max_steps": 10, "checkpoint_minutes": 5.0},
        "execution": {"workers": 64},
    }
    configs = {"corpora": {"sources": [{"name": "위키"}], "deduplicate": True}, "pretrain": {"max_steps": 10}}
    assert yaml.safe_load(published_recipe("mine", resolved, configs)) == {
        "name": "mine",
        "seed": 7,
        "corpora": {"sources": [{"name": "위키", "path": "wiki.jsonl"}], "deduplicate": True},
        "pretrain": {"max_steps": 10},
    }


def test_the_published_recipe_of_every_shipped_recipe_loads_again_as_the_same_content() -> None:
    from kobert_pipeline.recipe import Recipe, load_recipe, shipped_recipes

    for name in shipped_recipes():
        recipe = load_recipe(name)
        sections = ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub")
        configs = {section: getattr(recipe, section).content() for section in sections}
        text = published_recipe(recipe.name, recipe.model_dump(mode="json"), configs)
        again = Recipe.parse(yaml.safe_load(text))
        assert {section: getattr(again, section).content() for section in sections} == configs
        assert (again.name, again.seed) == (recipe.name, recipe.seed)
