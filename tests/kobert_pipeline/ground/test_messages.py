"""The command line in Korean: its table is complete, and what it says is what English says."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from house import Module, read_house
from pydantic import Field
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.commands.typer_help import FRAMES, USAGE_ERRORS, usage_error
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.ground.korean import KOREAN, TABLES
from kobert_pipeline.ground.korean.error_texts import PYDANTIC
from kobert_pipeline.ground.messages import LANGUAGE, is_korean, say
from kobert_pipeline.ground.progress_line import cells
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.tour.stops import STOPS
from kobert_pipeline.uses import USES

OF_TYPER = {*FRAMES.values(), *USAGE_ERRORS, "Show this message and exit."}
NAMES = {"pretrain", "klue_eval", "tokenizer: ", "report: "}
"""Stages and commands, which have the same name in both languages."""
SAY, TERMINAL = "say", "from kobert_pipeline.ground.messages import"
"""Pages have a function of the same name, and a table of their own."""
RAISED = {"ValueError", "Damaged", "LayoutError", "_NotFound", "Problem"}
"""Exceptions and records whose text becomes a part of an error."""
REMEDIES = {"read_object", "read_json", "read_json_lines", "damaged"}
"""Their second argument says what to do about a damaged file."""
LEVELS = ("debug", "info", "warning", "error")
PERCENT = re.compile(r"%%|%[\d.]*[dfgrs]")
"""A value in the template of a log line."""

CODE = re.compile(r"`[^`]+`|--[a-z]+|\b(?:pip|kobert) [a-z]+|\b\w+\.\w+_\w+|\b[A-Z]+_[A-Z]+\b", re.ASCII)
"""What a user types or sets: it is never translated."""


WORDS = re.compile(r"[A-Za-z]*[a-z]{2,} [a-z]{2,}")
"""Two English words, one after the other."""
NEUTRAL = re.compile(r"\{[^{}]*\}|(?<![\w.])[\w.]+\.(?=\{)")
"""What a message without words may have: values, and the keys of settings before them."""
PRINTING = (
    "kobert_pipeline/commands/", "kobert_pipeline/ground/", "kobert_pipeline/hub/push", "kobert_pipeline/hub/licences", "kobert_pipeline/hub/load_back",
    "kobert_pipeline/pretrain/batch_view", "kobert_pipeline/tour/stops", "kobert_pipeline/uses/ssa", "kobert_pipeline/uses/check_",
    "klue_eval/data/", "klue_eval/own/", "corpora/sources/", "corpora/survey", "corpora/not_read",
)  # fmt: skip
"""Beginnings of the paths of modules whose texts a terminal shows."""
OF_PAGES = (
    "ground/contents/",
    "ground/korean/",
    "ground/layers",
    "own/own_split",
    "own/own_data",
    "own/own_task",
    "commands/typer_help",
)
"""Among them: texts that artifacts and pages hold in English, which pages translate; and tables of this very kind."""
NOT_SAID = (
    "kobert sweep",
    "\n#SBATCH",
    "Value error, ",
    "another conflicting operation",
    "LFS batch API",
    " of the recipe ",
    "BatchSize must be",
    "pip install 'kobert-pipeline[",
    "damaged or missing header",
    "bold ",
    "a header of ",
)
"""Beginnings of texts in those modules that are a batch script, a style, what a library says, and the message of a commit."""
QUIET = {"Option", "Argument", "ImportError", "EOFError", "AssertionError", "compile"}
"""Calls with texts that are help, which `help_texts` has, or that no user sees."""


@cache
def parsed() -> list[Module]:
    return list(read_house().modules.values())


@cache
def errors() -> set[str]:
    """KobertError, WrongValue, and every class that comes from them; Failure, which a process without our code raises."""
    found, before = {"KobertError", "WrongValue", "Failure"}, 0
    while len(found) > before:
        before = len(found)
        classes = (node for module in parsed() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
        found |= {node.name for node in classes if found & {ast.unparse(base) for base in node.bases}}
    return found


@cache
def constants() -> dict[str, set[str]]:
    """Sentences at the top of modules, by name."""
    found: dict[str, set[str]] = {}
    for module in parsed():
        for node in module.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                text = str(node.value.value)
                found.setdefault(ast.unparse(node.targets[0]), set()).update([text] if WORDS.search(text) else [])
    return found


def texts_of(node: ast.expr) -> set[str]:
    """A literal, both of a choice, or the constants of the name."""
    if isinstance(node, ast.IfExp):
        return texts_of(node.body) | texts_of(node.orelse)
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    return constants().get(node.id, set()) if isinstance(node, ast.Name) else set()


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield "" if name_of(node) == SAY and TERMINAL not in module.source else name_of(node), node


def spoken() -> Iterator[str]:
    """Every message in the code: of `say` and of errors, of log lines that have words, of progress and the help."""
    for module in parsed():
        for name, call in calls(module):
            for place in places(name, call):
                texts = texts_of(call.args[place]) if len(call.args) > place else set()
                yield from (text for text in texts if has_words(text))
    yield from help_texts()
    yield from (stop.title for stop in STOPS)
    yield from (word for objective in OBJECTIVES.values() for words in objective.label_words.values() for word in words)
    yield from (text for use in USES.values() for text in (use.kind, *reasons(use.check_back)))


def reasons(check: Path) -> set[str]:
    """The messages that the check of a use returns with their values."""
    returned = [node.value for node in ast.walk(ast.parse(check.read_text("utf-8"))) if isinstance(node, ast.Return)]
    return {text for value in returned if isinstance(value, ast.Tuple) for text in texts_of(value.elts[0])}


def has_words(text: str) -> bool:
    words = NEUTRAL.sub("", PERCENT.sub("", text))
    return re.search("[a-z]|[A-Z]{4}", words) is not None and words not in NAMES


def places(name: str, call: ast.Call) -> list[int]:
    """Which arguments of a call are messages."""
    if name in LEVELS:
        return [0] if ast.unparse(call.func) == f"logger.{name}" else []
    if name in REMEDIES:
        return [1]
    return [0, 2] if name == "progress" else [0] if name == SAY or name in errors() else []


def help_texts() -> Iterator[str]:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    for command in (group, *group.commands.values()):
        yield from filter(None, (command.help, *(getattr(each, "help", "") for each in command.params)))


def test_every_message_of_the_code_is_in_the_table_and_the_table_has_no_other() -> None:
    expected = {*spoken(), *OF_TYPER, *PYDANTIC}
    assert expected - KOREAN.keys() == set(), "write their Korean sentences in kobert_pipeline/ground/korean"
    assert KOREAN.keys() - expected == set()
    assert sum(map(len, TABLES)) == len(KOREAN), "a message is in two tables"


def english(node: ast.AST, *, inside: bool = False) -> Iterator[ast.Constant]:
    """Literals with English words that no `say`, error or log line holds. `inside`: the node itself is one of those."""
    if isinstance(node, ast.Call) and not inside:
        name = name_of(node)
        if name in QUIET or name == SAY or name in errors() or ast.unparse(node.func).startswith("logger."):
            for keyword in node.keywords if name not in QUIET else ():
                yield from english(keyword.value)
            return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDS.search(node.value):
        yield node
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not is_docstring and not isinstance(child, ast.Assert):
            yield from english(child)


def test_no_error_is_put_together_from_english_parts() -> None:
    """A text that is joined with others is not found in the table: values are keywords, and those that have words are said."""
    wrong = [
        f"{module.path}:{call.lineno}: {found.value!r}"
        for module in parsed()
        for name, call in calls(module)
        if name in errors() | RAISED
        for argument in call.args[:1]
        if not (name in errors() and texts_of(argument))
        for found in english(argument)
    ]
    wrong += [
        f"{module.path}:{call.lineno}: {found.value!r}"
        for module in parsed()
        for name, call in calls(module)
        if name in errors() or name == SAY
        for keyword in call.keywords
        for found in english(keyword.value)
    ]
    assert wrong == [], "give it to `say`, or make it a keyword of the message"


def test_nothing_is_printed_in_english_alone() -> None:
    wrong = [
        f"{module.path}:{found.lineno}: {found.value[:80]!r}"
        for module in parsed()
        if str(module.path).startswith(PRINTING) and not any(part in str(module.path) for part in OF_PAGES)
        for found in english(module.tree)
        if found.value not in KOREAN and not found.value.startswith(NOT_SAID)
    ]
    assert wrong == [], "give it to `say`"


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
        for module in parsed()
        for name, call in calls(module)
        if name == SAY or name in errors()
        if call.args and len(texts := texts_of(call.args[0])) == 1 and all(keyword.arg for keyword in call.keywords)
        if call.keywords and {keyword.arg for keyword in call.keywords} != {name for name, *_ in fields(min(texts))}
    ]
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
