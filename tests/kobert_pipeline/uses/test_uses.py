"""What every row of USES must have: a new use is tested by being listed."""

from __future__ import annotations

import ast
import re

import pytest

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.uses import USES, use_named
from kobert_pipeline.uses.use import Use

OURS = ("kobert_pipeline", "corpora", "tokenizer", "klue_eval")
each_use = pytest.mark.parametrize("use", USES.values(), ids=lambda use: use.name)


def test_the_use_of_every_objective_is_listed() -> None:
    assert {objective.use for objective in OBJECTIVES.values()} <= set(USES)


def test_names_and_commands_are_unique() -> None:
    assert all(name == use.name for name, use in USES.items())
    commands = [use.command.name for use in USES.values()]
    assert len(set(commands)) == len(commands)


def test_an_unknown_use_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean `fill_mask`"):
        use_named("fill_masks")


@each_use
def test_transformers_has_its_class(use: Use) -> None:
    import transformers

    assert hasattr(transformers, use.auto_class)


@each_use
def test_its_check_imports_nothing_of_ours_and_has_the_function_that_is_called(use: Use) -> None:
    tree = ast.parse(use.check_back.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.split(".")[0] in OURS}
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "problem")
    assert [argument.arg for argument in function.args.args] == ["name", "revision", "tokenizer", "model", "trust"]


@each_use
@pytest.mark.parametrize("trust", [False, True])
def test_the_code_of_the_card_is_python_that_loads_the_model_by_its_class(use: Use, trust: bool) -> None:
    code = use.card_snippet("me/model", trust, use.auto_class)
    ast.parse(code)
    assert f"{use.auto_class}.from_pretrained(name)" in code
    assert 'name = "me/model"\n' in code
    assert (", trust_remote_code=True)" in code) is trust
    assert "# this folder, or its name on the Hub" in use.card_snippet(".", trust, use.auto_class)


@each_use
def test_examples_are_korean_and_of_several_genres(use: Use) -> None:
    assert len({example.genre for example in use.examples}) >= 4
    assert all(re.search("[가-힣]", example.before + example.after) for example in use.examples)


@each_use
def test_what_it_is_for_is_said_in_both_languages(use: Use) -> None:
    assert re.search("[A-Za-z]", use.intended.english)
    assert re.search("[가-힣]", use.intended.korean)
