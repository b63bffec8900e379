"""One file per command: what the table of `cli.py` lists."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kobert_pipeline import __version__, cli, commands
from kobert_pipeline.commands.options import local_folder
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.measured import SPEEDS, shown_cost
from kobert_pipeline.recipe import load_recipe, shipped_recipes
from kobert_pipeline.uses import USES

FOLDER = Path(commands.__file__).parent
SHARED = {"__init__", "options", "locate", "own_tasks", "shots", "try_use", "typer_help"}
"""Files that are not a command."""


def test_every_file_is_a_command_of_its_name_and_every_use_has_a_command():
    of_uses = {use.command.name for use in USES.values()}
    assert sorted(command.__name__ for command in cli.COMMANDS) == sorted(
        [path.stem for path in FOLDER.glob("*.py") if path.stem not in SHARED] + list(of_uses)
    )
    for command in cli.COMMANDS:
        file = "try_use" if command.__name__ in of_uses else command.__name__
        assert Path(inspect.getfile(command)) == FOLDER / f"{file}.py"


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.__name__)
def test_every_command_says_what_it_does(command):
    result = CliRunner().invoke(cli.app, [command.__name__, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert inspect.getdoc(command).split(".")[0].split(" ")[0] in result.output


def test_help_lists_the_commands_in_the_order_of_the_table():
    output = CliRunner().invoke(cli.app, ["--help"]).output
    places = [output.index(f" {command.__name__} ") for command in cli.COMMANDS]
    assert places == sorted(places)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_the_bare_program_prints_its_help_and_succeeds():
    assert invoke() == invoke("--help") == invoke("-h")
    assert "--debug" in invoke()
    assert "--show-completion" in invoke()
    assert invoke("run", "-h") == invoke("run", "--help")
    assert invoke("--version") == f"kobert-pipeline {__version__}\n"


def test_every_shipped_recipe_is_listed_with_what_it_trains_and_costs():
    lines = invoke("recipes").splitlines()[: len(shipped_recipes())]
    assert [line.split()[0] for line in lines] == shipped_recipes()
    assert all(load_recipe(line.split()[0]).description in line for line in lines)
    assert all(shown_cost(line.split()[0]) in line for line in lines)
    assert {speed.recipe for speed in SPEEDS} <= set(shipped_recipes())


def test_the_shell_completes_commands_and_recipes(monkeypatch, capsys):
    for words, completed in (("kobert rec", "recipes"), ("kobert run modernbert-m", "modernbert-mini"), ("kobert fill quick", "quickstart")):  # fmt: skip
        monkeypatch.setenv("_KOBERT_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        with pytest.raises(SystemExit):
            cli.app([], prog_name="kobert", standalone_mode=False)
        assert capsys.readouterr().out.split() == [completed]


@pytest.mark.parametrize("address", ["s3://bucket/runs", "gs://bucket", "hdfs://node:8020/runs", "memory://x"])
@pytest.mark.parametrize("command", ["run", "status", "report", "fill", "clean", "extend"])
def test_an_address_that_is_no_folder_is_refused_with_what_to_do(command, address, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    arguments = {"fill": ["quickstart", "[MASK]"], "clean": [], "extend": ["model", "quickstart", "--out", address]}
    option = [] if command == "extend" else ["--artifacts", address]
    result = CliRunner().invoke(cli.app, [command, *arguments.get(command, ["quickstart"]), *option])
    assert isinstance(result.exception, KobertError)
    assert address in str(result.exception)
    assert "local folder" in str(result.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["runs", "./a/b", "/tmp/x", "C:/runs", "a:b"])
def test_a_folder_of_this_machine_is_taken(folder):
    assert local_folder(Path(folder)) == Path(folder)
