"""JSON as people and programs write it wrong: nested without end, with halves of characters."""

from __future__ import annotations

import pytest

from klue_eval.data import read_rows
from kobert_pipeline.ground import strict_yaml
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import parse_json


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a": ' * 100_000, r'"\ud800"', r'{"\udc00": 1}', r'["\ude42\ud83d"]', "", "{"]
)
def test_what_is_no_text_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text)


@pytest.mark.parametrize(("name", "text"), [
    ("json", r'[{"guid": "a", "title": "\ud800", "label": "정치"}]'),
    ("json", "[" * 100_000),
    ("jsonl", '{"guid": ' * 100_000),
    ("json", ""),
])  # fmt: skip
def test_rows_that_are_no_text_are_one_line(name, text, tmp_path):
    path = tmp_path / f"ynat_train.{name}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"ynat_train\.json") as error:
        read_rows("ynat", path)
    assert len(str(error.value).splitlines()) == 1


def test_half_a_character_in_a_recipe_is_named_with_its_line():
    with pytest.raises(strict_yaml.yaml.YAMLError, match=r"line 2: .*half of a surrogate pair"):
        strict_yaml.parse('a: 1\nb: "\\ud800"')
