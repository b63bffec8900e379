"""The command line in Korean: its table is complete, and what it says is what English says."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from collections.abc import Iterator

import pytest
import typer
from house import Module, read_house
from pydantic import Field
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.commands.typer_help import FRAMES, USAGE_ERRORS, usage_error
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import KobertError, RecipeError
from kobert_pipeline.ground.korean import KOREAN, TABLES
from kobert_pipeline.ground.korean.error_texts import PYDANTIC
from kobert_pipeline.ground.messages import LANGUAGE, is_korean, say
from kobert_pipeline.ground.progress_line import cells

OF_TYPER = {*FRAMES.values(), *USAGE_ERRORS, "Show this message and exit."}
NAMES = {"pretrain", "klue_eval", "tokenizer: ", "report: "}
"""Stages and commands, which have the same name in both languages."""
ERRORS = {"KobertError", *(kind.__name__ for kind in KobertError.__subclasses__())}
SAY, TERMINAL = "say", "from kobert_pipeline.ground.messages import"
"""Pages have a function of the same name, and a table of their own."""
LEVELS = ("debug", "info", "warning", "error")
PERCENT = re.compile(r"%%|%[\d.]*[dfgrs]")
"""A value in the template of a log line."""

CODE = re.compile(r"`[^`]+`|--[a-z]+|\b(?:pip|kobert) [a-z]+|\b\w+\.\w+_\w+|\b[A-Z]+_[A-Z]+\b", re.ASCII)
"""What a user types or sets: it is never translated."""


def constants(module: Module) -> dict[str, str]:
    """Strings at the top of a module, by name."""
    return {
        node.targets[0].id: node.value.value
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def text_of(node: ast.expr, module: Module) -> str | None:
    """A literal, or the constant that a name stands for."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return constants(module).get(node.id) if isinstance(node, ast.Name) else None


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield "" if name == SAY and TERMINAL not in module.source else name, node


def spoken() -> Iterator[str]:
    """Every message in the code: of `say` and of errors with values, of log lines that have words, of progress and the help."""
    for module in read_house().modules.values():
        for name, call in calls(module):
            for place in places(name, call):
                text = text_of(call.args[place], module) if len(call.args) > place else None
                words = PERCENT.sub("", text or "")
                if text is not None and re.search("[a-z]", words) and words not in NAMES:
                    yield text
    yield from help_texts()


def places(name: str, call: ast.Call) -> list[int]:
    """Which arguments of a call are messages."""
    if name in LEVELS:
        return [0] if ast.unparse(call.func) == f"logger.{name}" else []
    return [0, 2] if name == "progress" else [0] if name == SAY or is_error_with_values(name, call) else []


def is_error_with_values(name: str, call: ast.Call) -> bool:
    return name in ERRORS and bool(call.keywords)


def plain_errors() -> Iterator[str]:
    """Errors without values, which may have a Korean sentence."""
    for module in read_house().modules.values():
        for name, call in calls(module):
            if name in ERRORS and call.args and not call.keywords:
                yield text_of(call.args[0], module) or ""


def help_texts() -> Iterator[str]:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    for command in (group, *group.commands.values()):
        yield from filter(None, (command.help, *(getattr(each, "help", "") for each in command.params)))


def test_every_message_of_the_code_is_in_the_table_and_the_table_has_no_other() -> None:
    expected = {*spoken(), *OF_TYPER, *PYDANTIC}
    assert expected - KOREAN.keys() == set(), "write their Korean sentences in kobert_pipeline/ground/korean"
    assert KOREAN.keys() - expected - {*plain_errors()} == set()
    assert sum(map(len, TABLES)) == len(KOREAN), "a message is in two tables"


@pytest.mark.parametrize("english", KOREAN, ids=lambda text: text[:40])
def test_both_languages_have_the_same_placeholders(english: str) -> None:
    korean = KOREAN[english]
    assert re.search("[가-힣]", re.sub(r"\{[^{}]*\}", "", korean)), "no Korean"
    if PERCENT.search(english):
        assert PERCENT.findall(korean) == PERCENT.findall(english)
    else:
        assert fields(korean) == fields(english)
    assert sorted(CODE.findall(korean)) == sorted(CODE.findall(english))


def fields(text: str) -> Counter[tuple[str, str, str]]:
    """Placeholders with conversion and format."""
    return Counter(
        (name, conversion or "", form or "")
        for _, name, form, conversion in string.Formatter().parse(text)
        if name is not None
    )


def test_a_call_fills_exactly_the_placeholders_of_its_message() -> None:
    wrong = [
        f"{module.path}:{call.lineno}"
        for module in read_house().modules.values()
        for name, call in calls(module)
        if (name == SAY or is_error_with_values(name, call)) and (text := text_of(call.args[0], module)) is not None
        and all(keyword.arg for keyword in call.keywords)
        and call.keywords and {keyword.arg for keyword in call.keywords} != {name for name, *_ in fields(text)}
    ]  # fmt: skip
    assert wrong == []


# --- the choice of the language --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "korean"),
    [
        ({}, False),
        ({"KOBERT_LANG": "ko"}, True),
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LANG": "ko_KR.eucKR"}, True),
        ({"LC_ALL": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"KOBERT_LANG": "en", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANG": "kok_IN"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
    ],
)
def test_the_environment_chooses_the_language(
    environment: dict[str, str], korean: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LANGUAGE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_korean() is korean


@pytest.fixture
def korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBERT_LANG", "ko")


def test_a_terminal_that_cannot_write_hangul_is_spoken_to_in_english(
    korean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr("sys.stderr", Ascii())
    assert say("Usage:") == "Usage:"


def test_a_message_without_a_translation_is_english(korean: None) -> None:
    assert say("{name} is not in any table", name="x") == "x is not in any table"


@pytest.mark.parametrize("command", ["", *(command.__name__ for command in cli.COMMANDS)])
def test_help_is_korean_throughout(command: str, korean: None) -> None:
    """Only names, metavariables and values remain in Latin letters: no sentence has four English words in a row."""
    shown = CliRunner().invoke(cli.app, [command, "--help"] if command else ["--help"], env={"COLUMNS": "300"}).output
    assert "사용법:" in shown
    assert not re.search(r"\b[a-z]+ [a-z]+ [a-z]+ [a-z]+\b", shown)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_help_is_wider_than_the_terminal_and_no_syllable_is_cut_off(width: int, korean: None) -> None:
    for command in ("", *(command.__name__ for command in cli.COMMANDS)):
        arguments = [command, "--help"] if command else ["--help"]
        shown = CliRunner().invoke(cli.app, arguments, env={"COLUMNS": str(width)}).output
        assert max(map(cells, shown.splitlines())) <= width
        assert not re.search("[가-힣] ?…", shown), command


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Missing argument 'RECIPE'.", "'RECIPE'"),
        ("No such command 'rn'. Did you mean 'run'?", "'run'"),
        ("Invalid value for '--port': Input should be greater than or equal to 1024", "1024 이상"),
        ("Invalid value for '--port': something else", "something else"),
    ],
)
def test_usage_errors_are_korean_and_keep_what_they_name(message: str, said: str, korean: None) -> None:
    shown = usage_error(message)
    assert said in shown
    assert re.search("[가-힣]", shown)


class Settings(Config):
    steps: int = Field(1, gt=0)
    rate: float = 0.1


@pytest.mark.parametrize(
    ("values", "said"),
    [({"steps": 0}, "0보다"), ({"steps": "many"}, "정수"), ({"rate": "fast"}, "수"), ({"stps": 1}, "`steps`"), ({"steps": True}, "참/거짓")],
)  # fmt: skip
def test_a_wrong_setting_is_explained_in_korean(values: dict[str, object], said: str, korean: None) -> None:
    with pytest.raises(RecipeError) as raised:
        Settings.parse(values)
    assert said in str(raised.value)
    assert not re.search("[a-z]{3,} [a-z]{2,}", str(raised.value))
