"""One file per command: what the table of `cli.py` lists."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kobert_pipeline import cli, commands

FOLDER = Path(commands.__file__).parent
SHARED = {"__init__", "options", "locate"}
"""Files that are not a command."""


def test_every_file_is_a_command_of_its_name():
    assert sorted(command.__name__ for command in cli.COMMANDS) == sorted(
        path.stem for path in FOLDER.glob("*.py") if path.stem not in SHARED
    )
    for command in cli.COMMANDS:
        assert Path(inspect.getfile(command)) == FOLDER / f"{command.__name__}.py"


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.__name__)
def test_every_command_says_what_it_does(command):
    result = CliRunner().invoke(cli.app, [command.__name__, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert inspect.getdoc(command).split(".")[0].split(" ")[0] in result.output


def test_help_lists_the_commands_in_the_order_of_the_table():
    output = CliRunner().invoke(cli.app, ["--help"]).output
    places = [output.index(f" {command.__name__} ") for command in cli.COMMANDS]
    assert places == sorted(places)
